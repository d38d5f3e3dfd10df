import { type Bytes, concat, copy, sha256 } from '../bytes.ts'
import { CocoonError } from '../errors.ts'

/**
 * One ordinary cell without references (TON whitepaper, TVM, sections 3.1.4 and 3.1.5): `bits` bits in `data`, the
 * highest first; unused bits of the last byte are zero.
 */
export interface FlatCell {
  readonly bits: number
  readonly data: Bytes
}

export const MAX_CELL_BITS = 1023

/** Puts values behind one another, the highest bit first. */
export class BitWriter {
  #value = 0n
  #bits = 0

  get bits(): number {
    return this.#bits
  }

  /** @throws RangeError when `value` does not fit `width` bits without a sign, or the cell is full */
  uint(value: bigint | number, width: number): this {
    if (!Number.isInteger(width) || width < 0) throw new RangeError(`${width} is not a width in bits`)
    if (this.#bits + width > MAX_CELL_BITS) throw new RangeError(`a cell holds at most ${MAX_CELL_BITS} bits`)
    const whole = BigInt(value)
    if (whole < 0n || whole >= 1n << BigInt(width)) throw new RangeError(`value does not fit ${width} bits`)
    this.#value = (this.#value << BigInt(width)) | whole
    this.#bits += width
    return this
  }

  bytes(value: Uint8Array): this {
    let whole = 0n
    for (const byte of value) whole = (whole << 8n) | BigInt(byte)
    return this.uint(whole, value.length * 8)
  }

  cell(): FlatCell {
    const data = new Uint8Array(Math.ceil(this.#bits / 8))
    let rest = this.#value << BigInt(data.length * 8 - this.#bits)
    for (let at = data.length - 1; at >= 0; at--) {
      data[at] = Number(rest & 0xffn)
      rest >>= 8n
    }
    return { bits: this.#bits, data }
  }
}

/** Reads whole bytes from the front, in the order a `BitWriter` put them. */
export class ByteReader {
  readonly #data: Bytes
  #at = 0

  constructor(data: Bytes) {
    this.#data = data
  }

  /** @throws CocoonError `broken-encoding` when fewer bytes are left */
  bytes(length: number): Bytes {
    if (this.#at + length > this.#data.length) throw new CocoonError('broken-encoding', 'object is cut short')
    this.#at += length
    return copy(this.#data.subarray(this.#at - length, this.#at))
  }

  /** An unsigned number of `width` bits, a multiple of eight. */
  uint(width: number): bigint {
    let value = 0n
    for (const byte of this.bytes(width / 8)) value = (value << 8n) | BigInt(byte)
    return value
  }
}

/**
 * The representation hash, as a contract computes it with HASHCU: SHA-256 over two descriptor bytes and the data, ended
 * by a one and zeros where it does not fill its last byte (TVM, section 3.1.4).
 * @throws RangeError when `data` is not exactly `bits` bits long, or an unused bit is set
 */
export async function cellHash({ bits, data }: FlatCell): Promise<Bytes> {
  if (!Number.isInteger(bits) || bits < 0 || bits > MAX_CELL_BITS) throw new RangeError(`${bits} bits are no cell`)
  if (data.length !== Math.ceil(bits / 8)) throw new RangeError(`${data.length} bytes do not hold ${bits} bits`)
  const used = bits % 8
  const last = data.at(-1) ?? 0
  if (used !== 0 && (last & (0xff >> used)) !== 0) throw new RangeError('an unused bit is set')
  const noReferences = 0
  const descriptors = Uint8Array.of(noReferences, Math.floor(bits / 8) + Math.ceil(bits / 8))
  const tagged = concat(data)
  if (used !== 0) tagged[tagged.length - 1] = last | (0x80 >> used)
  return sha256(descriptors, tagged)
}
