import type { Bytes } from '../bytes.ts'
import { type AppraisalCode, AppraisalError } from './failure.ts'

/** Reads the fixed structures that processors sign, front to back. Reading past the end throws the given code. */
export class LittleEndian {
  readonly #bytes: Bytes
  readonly #code: AppraisalCode
  #at = 0

  constructor(bytes: Bytes, code: AppraisalCode) {
    this.#bytes = bytes
    this.#code = code
  }

  /** Bytes read so far. */
  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(length: number): Bytes {
    if (length > this.left) throw new AppraisalError(this.#code, `cut short: ${this.left} bytes where ${length} belong`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint16(): number {
    const [low = 0, high = 0] = this.take(2)
    return high * 256 + low
  }

  uint32(): number {
    return this.uint16() + this.uint16() * 65536
  }
}
