/*
 * How messages are numbered in the index. They are found newest first by their row, so rows follow the order of
 * arrival. Times follow it nearly, not exactly: the index records the bounds of the times in each range of orders.
 */

/** Bits of a row that hold the low bits of the chat's number, so that FTS5 can filter by chat without reading the message. */
const chatBits = 20;
export const chatMask = 2 ** chatBits - 1;
const chatSpan = 2 ** chatBits;

/** The first message gets this order. What is older and comes later, when the index is filled from the log, goes below. */
export const firstOrder = 2 ** 28;

export interface Sizes {
  /** Messages of an era. Its number is part of every token, so one look into the index meets at most so many messages. */
  era: number;
  /** Messages of a block, the smallest range whose times are known. */
  block: number;
}
export const defaultSizes: Sizes = { era: 16_384, block: 256 };

/** Safe integers: orders stay below 2^33. */
export const rowOf = (order: number, chat: number): number => order * chatSpan + (chat & chatMask);
export const orderOf = (row: number): number => Math.floor(row / chatSpan);
export const firstRowOf = (order: number): number => order * chatSpan;

/** Stands before each token, and separates the eras in the index. */
export const prefixOf = (era: number): string => `${era.toString(36)}-`;
/** Tokens no word can have: a word has `-` neither at its start nor unescaped after a digit or letter of ASCII. */
export const chatToken = (chat: number): string => `-c${chat}`;
export const senderToken = (sender: number): string => `-u${sender}`;
