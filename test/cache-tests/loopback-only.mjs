// Loaded before the suite's origin, which would listen on every interface of the machine.

import { Server } from 'node:net';

const { listen } = Server.prototype;

Object.assign(Server.prototype, {
  /**
   * @this {Server}
   * @param {string} port
   */
  listen(port) {
    return listen.call(this, { port: Number(port), host: '127.0.0.1' });
  },
});
