/* These tests start processes and break them. Each wait has a deadline of its own, so this limit is only for what hangs. */
jest.setTimeout(600_000);
