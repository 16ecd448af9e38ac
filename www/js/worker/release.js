// @ts-check
/**
 * Gives a buffer's memory back at once, where browsers would let hundreds of megabytes pile up first. `buffer.transfer(0)`
 * does not: in Chromium whatever used the buffer outside of JavaScript still has it.
 * @param {ArrayBuffer} buffer
 */
export function release(buffer) {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(null, [buffer]);
  port1.close();
}
