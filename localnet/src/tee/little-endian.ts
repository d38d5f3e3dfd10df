import type { Bytes } from '@cocoon/protocol'

/** Intel, AMD and NVIDIA write numbers lowest byte first. */
function littleEndian(value: number | bigint, length: number): Bytes {
  const out = new Uint8Array(length)
  let rest = BigInt(value)
  for (let i = 0; i < length; i++, rest >>= 8n) out[i] = Number(rest & 0xffn)
  return out
}

export const uint16 = (value: number) => littleEndian(value, 2)
export const uint24 = (value: number) => littleEndian(value, 3)
export const uint32 = (value: number) => littleEndian(value, 4)
export const uint64 = (value: bigint) => littleEndian(value, 8)
export const zeros = (length: number): Bytes => new Uint8Array(length)
