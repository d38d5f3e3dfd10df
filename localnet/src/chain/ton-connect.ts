import { createHash } from 'node:crypto'
import { type Address, beginCell, Cell } from '@ton/core'

/** What wallets sign for TON Connect 2 (docs.ton.org, TON Connect, "ton_proof" and "Sign data"). Written for the test wallet. */

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

function integer(value: number | bigint, bytes: 4 | 8, end: 'little' | 'big'): Buffer {
  const out = Buffer.alloc(bytes)
  if (bytes === 8) {
    if (end === 'little') out.writeBigUInt64LE(BigInt(value))
    else out.writeBigUInt64BE(BigInt(value))
  } else if (end === 'little') out.writeUInt32LE(Number(value))
  else out.writeUInt32BE(Number(value))
  return out
}

const account = ({ workChain, hash }: Address): Buffer => Buffer.concat([integer(workChain >>> 0, 4, 'big'), hash])

/** The 32 bytes under a `ton_proof`. `time` in Unix seconds. Lengths and time are little-endian here. */
export function proofHash(address: Address, domain: string, time: number, payload: string): Buffer {
  const name = Buffer.from(domain)
  const message = sha256(
    Buffer.from('ton-proof-item-v2/'),
    account(address),
    integer(name.length, 4, 'little'),
    name,
    integer(time, 8, 'little'),
    Buffer.from(payload),
  )
  return sha256(Buffer.from([0xff, 0xff]), Buffer.from('ton-connect'), message)
}

export type DataToSign =
  | { readonly type: 'text'; readonly text: string }
  /** Base64. */
  | { readonly type: 'binary'; readonly bytes: string }
  /** A TL-B schema, and a bag of cells in base64. */
  | { readonly type: 'cell'; readonly schema: string; readonly cell: string }

/** The 32 bytes under signed data. Lengths and time are big-endian here. @throws for a cell that is none */
export function dataHash(address: Address, domain: string, time: number, data: DataToSign): Buffer {
  if (data.type === 'cell') {
    return beginCell()
      .storeUint(0x75569022, 32)
      .storeUint(crc32(Buffer.from(data.schema)), 32)
      .storeUint(time, 64)
      .storeAddress(address)
      .storeStringRefTail(`${domain.split('.').toReversed().join('\0')}\0`)
      .storeRef(Cell.fromBase64(data.cell))
      .endCell()
      .hash()
  }
  const name = Buffer.from(domain)
  const content = data.type === 'text' ? Buffer.from(data.text) : Buffer.from(data.bytes, 'base64')
  return sha256(
    Buffer.from([0xff, 0xff]),
    Buffer.from('ton-connect/sign-data/'),
    account(address),
    integer(name.length, 4, 'big'),
    name,
    integer(time, 8, 'big'),
    Buffer.from(data.type === 'text' ? 'txt' : 'bin'),
    integer(content.length, 4, 'big'),
    content,
  )
}

/** CRC-32 of ISO-HDLC: polynomial 0xedb88320, reflected. */
export function crc32(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0xedb88320
  }
  return ~crc >>> 0
}
