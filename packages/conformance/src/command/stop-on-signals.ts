/**
 * Lets the first SIGINT or SIGTERM end the run after the test under way, so that nothing of it stays in the storage. The
 * second ends the process at once, as if nobody listened.
 */
export function stopOnSignals(stderr: { write(text: string): unknown }): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = () => {
    end();
    stderr.write(
      '\nStopping when this test has cleaned up behind itself. Once more to stop now, and leave its entries.\n',
    );
    controller.abort();
  };
  const end = () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return { signal: controller.signal, end };
}
