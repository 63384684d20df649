import { Type, type Static, type TProperties, type TSchema } from "@sinclair/typebox";

/** An object without room for fields that nobody named. */
export const object = <const P extends TProperties>(properties: P) => Type.Object(properties, { additionalProperties: false });

export const nullable = <const S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** A list and where it goes on. */
export const pageOf = <const S extends TSchema>(item: S) =>
  object({ items: Type.Array(item), nextCursor: nullable(Type.String({ description: "Opaque; null at the end." })) });

export const Id = Type.String({ format: "uuid", description: "A UUIDv7." });
export const Time = Type.String({ format: "date-time", description: "ISO 8601, UTC." });
export const Rev = Type.Integer({ minimum: 0, description: "A place in the log of a chat: 1, 2, 3 …" });
export const Seq = Type.Integer({ minimum: 0, description: "The number of a message in its chat: 1, 2, 3 …" });
/** The languages that mails are written in. */
export const languages = ["en", "de"] as const;
export const Language = Type.Union([Type.Literal("en"), Type.Literal("de")]);
export type Language = Static<typeof Language>;
export const Email = Type.String({ format: "email", maxLength: 254 });
export const Name = Type.String({ minLength: 1, maxLength: 100, pattern: "\\S" });

/** Any characters; the commonest ones and the user's own address are refused. */
export const NewPassword = Type.String({ minLength: 8, maxLength: 128 });
/** What the host may call its users and chats: anything but control characters. */
export const hostName = { minLength: 1, maxLength: 200, pattern: "^[^\\u0000-\\u001f\\u007f]+$" };
/** The name that the host's backend has for a user. */
export const ExternalId = Type.String(hostName);

/** The host's own JSON object on a user, chat or message; its size is checked where it is stored, its nesting with all params. */
export const Data = Type.Record(Type.String(), Type.Unknown(), {
  description: "The host's own JSON object, 8 KB and 32 levels at most.",
});

export const FieldError = object({
  field: Type.String({ description: "Path of the field, such as members.0." }),
  code: Type.String(),
  message: Type.String(),
});
export type FieldError = Static<typeof FieldError>;

/** RFC 9457. */
export const ProblemDocument = object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ description: "A stable word, such as chat.not_member." }),
  detail: Type.String(),
  requestId: Type.String(),
  retryAfter: Type.Optional(Type.Integer({ description: "Seconds." })),
  errors: Type.Optional(Type.Array(FieldError)),
});
export type ProblemDocument = Static<typeof ProblemDocument>;

export const Empty = Type.Null({ description: "No body." });

/** How each service is asked for what it holds of a user: a page of records, each for one of the archive's files. */
export const ExportPage = { userId: Id, cursor: Type.Optional(Type.String({ maxLength: 2000 })) };
export const ExportedPage = object({
  records: Type.Array(object({ file: Type.String({ pattern: "^[a-z-]+$" }), record: Type.Unknown() })),
  cursor: nullable(Type.String({ description: "Null at the end." })),
});
