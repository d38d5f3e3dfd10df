import { type Bytes, fromHex, hex } from '@cocoon/protocol'
import { Address } from '@ton/core'

const BASECHAIN = 0

/**
 * The 32 bytes by which money objects and the channel know an account.
 * @throws RangeError for an account outside the basechain: the channel cannot pay it
 */
export function accountOf(address: Address): Bytes {
  if (address.workChain !== BASECHAIN) {
    throw new RangeError(`workchain ${address.workChain}: only accounts in the basechain (0) can take part`)
  }
  return new Uint8Array(address.hash)
}

export function addressOf(account: Bytes): Address {
  if (account.length !== 32) throw new RangeError('an account id has 32 bytes')
  return new Address(BASECHAIN, Buffer.from(account))
}

/** 32 bytes as the number the chain makes of them. */
export function toUint256(bytes: Bytes): bigint {
  if (bytes.length !== 32) throw new RangeError('32 bytes belong here')
  return BigInt(`0x${hex(bytes)}`)
}

export function fromUint256(value: bigint): Bytes {
  return fromHex(value.toString(16).padStart(64, '0'))
}
