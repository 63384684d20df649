import type { Role } from "@confab/contracts";
import { toProblem } from "@confab/mixins/problem.ts";
import fc from "fast-check";
import { emptyState, type ChatState } from "./fold.ts";
import {
  haveMet,
  may,
  mayWrite,
  outranks,
  requireMaySend,
  requireOtherOwner,
  requireRight,
  rights,
  seesRev,
  seesSeq,
  visibleSeqs,
  type Right,
} from "./policies.ts";
import type { Interval, StoredMember } from "./store/documents.ts";

const roles = ["owner", "admin", "member"] as const;

function chat(members: Record<string, Role | Partial<StoredMember>>, rules: Partial<ChatState> = {}): ChatState {
  const all = Object.entries(members).map(([userId, member]): [string, StoredMember] => [
    userId,
    {
      role: "member",
      joinedAt: 0,
      joinedSeq: 0,
      sentSeq: 0,
      sentAt: 0,
      sees: [],
      ...(typeof member === "string" ? { role: member } : member),
    },
  ]);
  return { ...emptyState("chat"), rev: 1, ...rules, members: new Map(all) };
}

const word = (act: () => unknown) => {
  try {
    act();
    return "done";
  } catch (err) {
    return toProblem(err).type;
  }
};

/** What the README says: in a group for an owner, an admin, a member; then whether in a direct chat. */
const table: Record<Right, [owner: boolean, admin: boolean, member: boolean, direct: boolean]> = {
  post: [true, true, false, true],
  pin: [true, true, false, true],
  deleteOthers: [true, true, false, false],
  change: [true, true, false, false],
  add: [true, true, false, false],
  remove: [true, true, false, false],
  ban: [true, true, false, false],
  invite: [true, true, false, false],
  promote: [true, false, false, false],
  deleteChat: [true, false, false, false],
};

test("every right is in the table", () => {
  expect(Object.keys(table).sort()).toEqual(Object.keys(rights).sort());
});

const cells = (Object.keys(table) as Right[]).flatMap((right) =>
  roles.map((role, at) => ({ right, role, inGroup: table[right][at]!, inDirect: table[right][3] })),
);
test.each(cells)("$right by a $role: in a group $inGroup, in a direct chat $inDirect", ({ right, role, inGroup, inDirect }) => {
  const [group, direct] = [chat({ ann: role }), chat({ ann: role }, { type: "direct" })];
  expect(may(group, role, right)).toBe(inGroup);
  expect(may(direct, role, right)).toBe(inDirect);
  expect(word(() => requireRight(group, "ann", right))).toBe(inGroup ? "done" : "chat.not_allowed");
  expect(word(() => requireRight(direct, "ann", right))).toBe(inDirect ? "done" : "chat.groups_only");
  for (const state of [group, direct]) expect(word(() => requireRight(state, "eve", right))).toBe("chat.not_found");
});

test.each([
  ["owner", "owner", true],
  ["owner", "admin", true],
  ["owner", "member", true],
  ["admin", "owner", false],
  ["admin", "admin", false],
  ["admin", "member", true],
  ["member", "owner", false],
  ["member", "admin", false],
  ["member", "member", false],
] as const)("a %s acts on a %s: %s", (actor, target, expected) => {
  expect(outranks(actor, target)).toBe(expected);
});

describe("posting", () => {
  test.each([
    ["all", "owner", true],
    ["all", "admin", true],
    ["all", "member", true],
    ["admins", "owner", true],
    ["admins", "admin", true],
    ["admins", "member", false],
  ] as const)("for %s lets a %s write: %s", (posting, role, expected) => {
    const state = chat({ ann: role }, { posting });
    expect(mayWrite(state, state.members.get("ann")!)).toBe(expected);
    expect(word(() => requireMaySend(state, "ann", 0))).toBe(expected ? "done" : "chat.not_allowed");
  });

  test("is refused to whoever is not in the chat", () => {
    expect(word(() => requireMaySend(chat({ ann: "owner" }), "eve", 0))).toBe("chat.not_found");
  });
});

describe("slow mode", () => {
  const at = 1_000_000;
  const slow = (role: Role, sent: Partial<StoredMember>, type: ChatState["type"] = "group") =>
    chat({ ann: { role, ...sent } }, { slowMode: 10, type });

  test.each([
    ["a first message", {}, at, "done"],
    ["a second one at once", { sentSeq: 1, sentAt: at }, at, "chat.slow_mode"],
    ["a moment too early", { sentSeq: 1, sentAt: at }, at + 9999, "chat.slow_mode"],
    ["in time", { sentSeq: 1, sentAt: at }, at + 10_000, "done"],
  ] as const)("of members: %s", (_name, sent, now, expected) => {
    expect(word(() => requireMaySend(slow("member", sent), "ann", now))).toBe(expected);
    for (const role of ["owner", "admin"] as const) expect(word(() => requireMaySend(slow(role, sent), "ann", now))).toBe("done");
    expect(word(() => requireMaySend(slow("owner", sent, "direct"), "ann", now))).toBe("done");
  });

  test("tells how long to wait, in whole seconds", () => {
    const asked = () => requireMaySend(slow("member", { sentSeq: 1, sentAt: at }), "ann", at + 8500);
    expect(asked).toThrow(expect.objectContaining({ data: { retryAfter: 2 } }));
  });

  test("lets nobody wait for a clock that was far ahead, and nobody by with one that is a little behind", () => {
    const after = (sentAt: number) => word(() => requireMaySend(slow("member", { sentSeq: 1, sentAt }), "ann", at));
    expect(after(at + 3_600_000)).toBe("done");
    expect(after(at + 50)).toBe("chat.slow_mode");
  });
});

test.each([
  ["the only owner among others stays", { ann: "owner", bob: "member" }, "chat.last_owner"],
  ["an admin is no owner", { ann: "owner", bob: "admin" }, "chat.last_owner"],
  ["one of two owners may go", { ann: "owner", bob: "owner" }, "done"],
  ["the last member may go", { ann: "owner" }, "done"],
  ["a member may go", { ann: "member", bob: "owner" }, "done"],
] as const)("%s", (_name, members, expected) => {
  expect(word(() => requireOtherOwner(chat(members), "ann"))).toBe(expected);
});

test("what one sees is the intervals, with both their ends", () => {
  const sees: Interval[] = [
    { fromRev: 3, fromSeq: 2, toRev: 6, toSeq: 4 },
    { fromRev: 9, fromSeq: 7 },
  ];
  expect([1, 2, 3, 6, 7, 8, 9, 1000].filter((rev) => seesRev(sees, rev))).toEqual([3, 6, 9, 1000]);
  expect([1, 2, 4, 5, 6, 7, 1000].filter((seq) => seesSeq(sees, seq))).toEqual([2, 4, 7, 1000]);
  const state = chat({ ann: { sees } }, { lastSeq: 6 });
  // Nothing was said since the return: that interval is empty still.
  expect(visibleSeqs(state, "ann")).toEqual([{ from: 2, to: 4 }]);
  expect(visibleSeqs({ ...state, lastSeq: 8 }, "ann")).toEqual([
    { from: 2, to: 4 },
    { from: 7, to: 8 },
  ]);
  expect(visibleSeqs(state, "eve")).toEqual([]);
});

test("what one sees is found as if every interval were looked at, also where they are empty or many", () => {
  const stays = fc.array(fc.record({ gap: fc.nat(3), revs: fc.nat(4), seqs: fc.nat(4) }), { maxLength: 12 });
  const intervals = (made: { gap: number; revs: number; seqs: number }[], isOpen: boolean): Interval[] => {
    let [rev, seq] = [0, 0];
    return made.map(({ gap, revs, seqs }, at) => {
      const from = { fromRev: (rev += 1 + gap), fromSeq: (seq += gap) + 1 };
      if (isOpen && at === made.length - 1) return from;
      // A stay in which nothing was said ends before it begins.
      return { ...from, toRev: (rev += revs), toSeq: (seq += Math.min(seqs, revs)) };
    });
  };
  fc.assert(
    fc.property(stays, stays, fc.boolean(), fc.boolean(), (one, other, isIn, isOtherIn) => {
      const [mine, theirs] = [intervals(one, isIn), intervals(other, isOtherIn)];
      for (let at = 0; at < 70; at++) {
        expect(seesRev(mine, at)).toBe(mine.some(({ fromRev, toRev = Infinity }) => fromRev <= at && at <= toRev));
        expect(seesSeq(mine, at)).toBe(mine.some(({ fromSeq, toSeq = Infinity }) => fromSeq <= at && at <= toSeq));
      }
      const state = chat({ me: { sees: mine }, other: { sees: theirs } });
      const met = mine.some(({ fromRev, toRev = Infinity }) =>
        theirs.some((they) => fromRev <= (they.toRev ?? Infinity) && they.fromRev <= toRev),
      );
      expect(haveMet(state, "me", "other")).toBe(met);
    }),
  );
});
