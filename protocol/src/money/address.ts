import { type Bytes, base64url, concat, copy, fromBase64url, fromHex, hex } from '../bytes.ts'

/**
 * An address on the basechain as people and APIs write it. Money objects hold the account id alone: channel and payee
 * are on workchain 0, which the contract insists on.
 */
export interface AddressText {
  /** 32 bytes. */
  readonly account: Bytes
  /** What the text says about itself; a raw address says neither. */
  readonly bounceable: boolean | null
  readonly testOnly: boolean | null
}

const BOUNCEABLE = 0x11
const NON_BOUNCEABLE = 0x51
const TEST_ONLY = 0x80
const BASECHAIN = 0

/** CRC-16/XMODEM: polynomial 0x1021, initial value 0. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff
  }
  return crc
}

/**
 * Reads a friendly address (48 characters of base64 or base64url, TEP-2) or a raw one (`0:` and 64 hex digits, either
 * case). Nothing around it is forgiven, so that a copied address is either whole or refused.
 * @throws RangeError that says what is wrong with the text
 */
export function parseAddress(text: string): AddressText {
  const raw = /^(-?\d{1,3}):([0-9a-fA-F]{64})$/.exec(text)
  if (raw) {
    ensureBasechain(Number(raw[1]))
    return { account: fromHex((raw[2] ?? '').toLowerCase()), bounceable: null, testOnly: null }
  }
  if (text.length !== 48) throw new RangeError('an address has 48 characters, or is 0: and 64 hex digits')
  if (/[+/]/.test(text) && /[-_]/.test(text)) throw new RangeError('address mixes two alphabets')
  let bytes: Bytes
  try {
    bytes = fromBase64url(text.replaceAll('+', '-').replaceAll('/', '_'))
  } catch (cause) {
    throw new RangeError('address has a character that does not belong there', { cause })
  }
  const [flags = 0, workchain = 0] = bytes
  const sum = crc16(bytes.subarray(0, 34))
  if (bytes[34] !== sum >> 8 || bytes[35] !== (sum & 0xff)) {
    throw new RangeError('checksum does not fit: a character of the address is wrong')
  }
  const kind = flags & ~TEST_ONLY
  if (kind !== BOUNCEABLE && kind !== NON_BOUNCEABLE) throw new RangeError('not an address: unknown flags')
  ensureBasechain(workchain > 127 ? workchain - 256 : workchain)
  return {
    account: copy(bytes.subarray(2, 34)),
    bounceable: kind === BOUNCEABLE,
    testOnly: (flags & TEST_ONLY) !== 0,
  }
}

function ensureBasechain(workchain: number): void {
  if (workchain !== BASECHAIN) throw new RangeError(`workchain ${workchain}: only the basechain (0) is supported`)
}

/** `0:` and 64 lower-case hex digits: one text for one account, fit for keys and comparison. */
export function rawAddress(account: Bytes): string {
  return `${BASECHAIN}:${hex(ensureAccount(account))}`
}

/** 48 characters of base64url. Wallets take `bounceable: false`, contracts `true`. */
export function friendlyAddress(account: Bytes, form: { bounceable: boolean; testOnly: boolean }): string {
  const flags = (form.bounceable ? BOUNCEABLE : NON_BOUNCEABLE) | (form.testOnly ? TEST_ONLY : 0)
  const body = concat(Uint8Array.of(flags, BASECHAIN), ensureAccount(account))
  const sum = crc16(body)
  return base64url(concat(body, Uint8Array.of(sum >> 8, sum & 0xff)))
}

function ensureAccount(account: Bytes): Bytes {
  if (account.length !== 32) throw new RangeError('an account id has 32 bytes')
  return account
}
