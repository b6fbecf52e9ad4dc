declare global {
  /** A name of the web platform that the declarations of structured-headers use, and Node's don't have. */
  type BufferSource = ArrayBufferView | ArrayBuffer;
}

export {};
