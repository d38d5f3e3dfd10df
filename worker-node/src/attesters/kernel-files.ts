import { constants } from 'node:fs'
import { mkdir, open, rmdir } from 'node:fs/promises'
import type { Bytes } from '@cocoon/protocol'

/**
 * The four things that a kernel's configuration directory answers to. Tests put a directory of their own behind them,
 * which plays the kernel: a plain one makes no attributes, answers no writes, and keeps `rmdir` from what is not empty.
 */
export interface KernelFiles {
  /** Fails where the entry exists. */
  makeEntry(path: string): Promise<void>
  removeEntry(path: string): Promise<void>
  /** In one write, to a file that exists already. */
  write(path: string, bytes: Bytes): Promise<void>
  /** All of a file that says nothing of its length. @throws RangeError beyond `limit` bytes */
  read(path: string, limit: number): Promise<Bytes>
}

export const kernelFiles: KernelFiles = {
  async makeEntry(path) {
    await mkdir(path)
  },
  async removeEntry(path) {
    await rmdir(path)
  },
  async write(path, bytes) {
    // Neither created nor cut to nothing: the kernel's attributes are there, and take a value in one piece.
    const file = await open(path, constants.O_WRONLY)
    try {
      await file.write(bytes)
    } finally {
      await file.close()
    }
  },
  async read(path, limit) {
    const file = await open(path, constants.O_RDONLY)
    try {
      const buffer = new Uint8Array(limit + 1)
      let length = 0
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
        length += bytesRead
        if (length > limit) throw new RangeError(`${path} holds more than ${limit} bytes`)
        if (bytesRead === 0) return buffer.slice(0, length)
      }
    } finally {
      await file.close()
    }
  },
}
