import { join } from "node:path";
import { describeWithPython } from "../support/python.ts";
import { embeddedWorld, type World } from "../support/world.ts";

/* A client that nobody of Confab wrote, in another language: python-socketio, with pinned versions. */

const folder = join(__dirname, "python");

describeWithPython("a client in Python", join(folder, "requirements.txt"), (runPython) => {
  let world: World;

  beforeAll(async () => {
    world = await embeddedWorld();
  });
  afterAll(() => world?.stop());

  test("signs in, talks, edits, reacts, reads, catches up and is told what is wrong", async () => {
    const { api, io } = world.doors[0]!;
    await expect(runPython([join(folder, "journey.py"), api, io])).resolves.toMatchObject({ stderr: "" });
  });
});
