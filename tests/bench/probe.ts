// Loaded into each server before it starts (node --expose-gc --import): on a signal it clears away garbage, so that memory
// can be compared from outside.

process.on("SIGUSR2", () => {
  const { gc } = globalThis;
  gc?.();
  setTimeout(() => gc?.(), 100);
});
