import { type Bytes, copy, equal, hex } from '../bytes.ts'
import {
  context,
  type Der,
  elements,
  Fields,
  readBoolean,
  readDer,
  readNamedBits,
  readOctetBits,
  readOid,
  readSmall,
  readText,
  readTime,
  readUnsigned,
  tags,
} from './der.ts'
import { AppraisalError, ensure } from './failure.ts'
import {
  isSignedBy,
  type KeyKind,
  type PublicKey,
  readPublicKey,
  readSignature,
  readSignatureAlgorithm,
} from './public-key.ts'

/** A certificate of version 3 (RFC 5280 section 4). Names and serial number are kept as encoded: they are compared, not read. */
export interface Certificate {
  readonly encoding: Bytes
  /** What the issuer signed. */
  readonly signed: Bytes
  readonly signedWith: KeyKind
  readonly signature: Bytes
  /** Contents of the INTEGER, lower-case hex. */
  readonly serial: string
  readonly issuer: Bytes
  readonly subject: Bytes
  /** Of the subject; empty when it has none. */
  readonly commonName: string
  /** Unix seconds, both included. */
  readonly notBefore: number
  readonly notAfter: number
  readonly key: PublicKey
  readonly ca: boolean
  /** How many further authorities may follow below this one; null for any number. */
  readonly pathLength: number | null
  /** Bits of KeyUsage, bit 0 the highest of 16; null when the certificate does not restrict its key. */
  readonly keyUsage: number | null
  readonly extensions: ReadonlyMap<string, Extension>
}

export interface Extension {
  readonly critical: boolean
  readonly value: Bytes
}

/** Bits of KeyUsage (RFC 5280 section 4.2.1.3). */
export const keyUsages = { digitalSignature: 0x8000, keyCertSign: 0x0400, crlSign: 0x0200 } as const

const COMMON_NAME = '2.5.4.3'
const KEY_USAGE = '2.5.29.15'
const BASIC_CONSTRAINTS = '2.5.29.19'
const VERSION_3 = 2
/** 20 bytes (RFC 5280 section 4.1.2.2), and the sign byte that Intel does not count. */
const MAX_SERIAL_BYTES = 21
const MAX_CERTIFICATE_BYTES = 16 * 1024
const MAX_EXTENSIONS = 32
const MAX_CHAIN_LENGTH = 8
const MAX_PEM_CHARACTERS = 64 * 1024

/** @throws AppraisalError `malformed`, or `chain-algorithm` for a key or signature that is not accepted here. */
export function readCertificate(bytes: Bytes): Certificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) throw new AppraisalError('malformed', 'certificate too large')
  const { encoding, body, algorithm, signature } = readSigned(bytes, 'chain-algorithm')
  const fields = new Fields(body)
  const version = readSmall(readDer(fields.next(context(0)).contents, tags.integer))
  if (version !== VERSION_3) throw new AppraisalError('malformed', 'certificate is not of version 3')
  const serial = readUnsigned(fields.next(tags.integer))
  if (serial.length > MAX_SERIAL_BYTES) throw new AppraisalError('malformed', 'serial number too long')
  const named = fields.next(tags.sequence)
  if (!equal(named.encoding, algorithm.encoding)) throw new AppraisalError('malformed', 'two signature algorithms')
  const issuer = fields.next(tags.sequence)
  const validity = new Fields(fields.next(tags.sequence))
  const [notBefore, notAfter] = [readTime(validity.any()), readTime(validity.any())]
  validity.end()
  const subject = fields.next(tags.sequence)
  const key = readPublicKey(fields.next(tags.sequence))
  if (!key) throw new AppraisalError('chain-algorithm', 'certificate has a key of a kind that is not accepted')
  // Unique identifiers, [1] and [2], belong to no profile of ours and are refused as unexpected.
  const last = fields.optional(context(3))
  fields.end()
  const extensions = last ? readExtensions(readDer(last.contents, tags.sequence)) : new Map<string, Extension>()
  return {
    encoding,
    signed: body.encoding,
    ...signature,
    serial: hex(serial),
    issuer: issuer.encoding,
    subject: subject.encoding,
    commonName: readCommonName(subject),
    notBefore,
    notAfter,
    key,
    ...readBasicConstraints(extensions.get(BASIC_CONSTRAINTS)),
    keyUsage: readKeyUsage(extensions.get(KEY_USAGE)),
    extensions,
  }
}

/**
 * The outer shape that certificates and revocation lists share. Reads a copy: checking takes several turns of the event
 * loop, and what was checked must be what is used.
 */
export function readSigned(bytes: Bytes, unaccepted: 'chain-algorithm' | 'crl-algorithm') {
  const encoding = copy(bytes)
  const fields = new Fields(readDer(encoding, tags.sequence))
  const body = fields.next(tags.sequence)
  const algorithm = fields.next(tags.sequence)
  const bits = readOctetBits(fields.next(tags.bitString))
  fields.end()
  const signedWith = readSignatureAlgorithm(algorithm)
  if (!signedWith) throw new AppraisalError(unaccepted, 'signature algorithm is not accepted')
  return { encoding, body, algorithm, signature: { signedWith, signature: readSignature(signedWith, bits) } }
}

/**
 * Extensions by identifier.
 * @throws AppraisalError `malformed`, also for an extension that comes twice (RFC 5280 section 4.2)
 */
export function readExtensions(list: Der): Map<string, Extension> {
  const extensions = new Map<string, Extension>()
  for (const element of elements(list)) {
    const fields = new Fields(element)
    const id = readOid(fields.next(tags.oid))
    const flag = fields.optional(tags.boolean)
    const critical = flag ? readBoolean(flag) : false
    // DER leaves a default out.
    if (flag && !critical) throw new AppraisalError('malformed', 'DER: default written')
    const value = fields.next(tags.octetString).contents
    fields.end()
    if (extensions.has(id)) throw new AppraisalError('malformed', `extension ${id} comes twice`)
    if (extensions.size === MAX_EXTENSIONS) throw new AppraisalError('malformed', 'too many extensions')
    extensions.set(id, { critical, value })
  }
  return extensions
}

function readBasicConstraints(extension: Extension | undefined): Pick<Certificate, 'ca' | 'pathLength'> {
  if (!extension) return { ca: false, pathLength: null }
  const fields = new Fields(readDer(extension.value, tags.sequence))
  const flag = fields.optional(tags.boolean)
  const ca = flag ? readBoolean(flag) : false
  if (flag && !ca) throw new AppraisalError('malformed', 'DER: default written')
  const length = fields.optional(tags.integer)
  fields.end()
  if (length && !ca) throw new AppraisalError('malformed', 'path length without authority')
  return { ca, pathLength: length ? readSmall(length) : null }
}

function readKeyUsage(extension: Extension | undefined): number | null {
  return extension ? readNamedBits(readDer(extension.value, tags.bitString)) : null
}

function readCommonName(name: Der): string {
  let found: string | null = null
  for (const relative of elements(name)) {
    for (const attribute of elements(relative, tags.set)) {
      const fields = new Fields(attribute)
      const id = readOid(fields.next(tags.oid))
      const value = fields.any()
      fields.end()
      if (id !== COMMON_NAME) continue
      if (found !== null) throw new AppraisalError('malformed', 'two common names')
      found = readText(value)
    }
  }
  return found ?? ''
}

const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'

/**
 * Certificates as PEM (RFC 7468), with nothing but white space around them.
 * @throws AppraisalError `malformed`, `chain-length` for none or more than eight, `chain-algorithm`
 */
export function readPemChain(text: string): Certificate[] {
  if (text.length > MAX_PEM_CHARACTERS) throw new AppraisalError('malformed', 'PEM too large')
  const [before, ...blocks] = text.split(BEGIN)
  if (before?.trim()) throw new AppraisalError('malformed', 'text before the certificates')
  ensure(blocks.length > 0 && blocks.length <= MAX_CHAIN_LENGTH, 'chain-length', `${blocks.length} certificates`)
  return blocks.map((block) => {
    const [body, after, ...more] = block.split(END)
    if (after === undefined || after.trim() || more.length > 0) throw new AppraisalError('malformed', 'broken PEM')
    return readCertificate(fromBase64(body ?? ''))
  })
}

function fromBase64(text: string): Bytes {
  const digits = text.replaceAll(/[ \t\r\n]/g, '')
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(digits)) {
    throw new AppraisalError('malformed', 'broken base64')
  }
  return Uint8Array.from(atob(digits), (char) => char.charCodeAt(0))
}

export interface ChainRules {
  /** The pinned root, DER; the chain's last certificate must be it byte for byte. */
  readonly root: Bytes
  /** Unix seconds. */
  readonly now: number
  /** How many certificates the vendor's chain has, leaf and root included. */
  readonly length: number
  /** Critical extensions, beyond basic constraints and key usage, that the caller reads itself. */
  readonly understood?: readonly string[]
  /** Whether a leaf without KeyUsage may sign (AMD's have none). */
  readonly leafWithoutKeyUsage?: boolean
}

/**
 * Verifies leaf to root (RFC 5280 section 6), without revocation. Names are compared byte for byte, since one vendor
 * writes both. Returns the earliest notAfter, in Unix seconds.
 * @throws AppraisalError with a code that starts with `chain-`
 */
export async function verifyChain(chain: readonly Certificate[], rules: ChainRules): Promise<number> {
  ensure(chain.length === rules.length, 'chain-length', `${chain.length} certificates where ${rules.length} belong`)
  const root = chain.at(-1)
  ensure(root !== undefined && equal(root.encoding, rules.root), 'chain-untrusted', 'does not end in the pinned root')
  for (const [i, certificate] of chain.entries()) {
    checkCertificate(certificate, rules)
    if (i === 0) checkLeaf(certificate, rules)
    else checkAuthority(certificate, i - 1)
  }
  for (const [i, issuer] of chain.slice(1).entries()) {
    const certificate = chain[i]
    if (certificate) await checkIssued(certificate, issuer)
  }
  return Math.min(...chain.map((certificate) => certificate.notAfter))
}

function checkCertificate(certificate: Certificate, { now, understood = [] }: ChainRules): void {
  const name = nameOf(certificate)
  ensure(now >= certificate.notBefore, 'chain-not-yet-valid', `${name} is valid from ${iso(certificate.notBefore)}`)
  ensure(now <= certificate.notAfter, 'chain-expired', `${name} expired ${iso(certificate.notAfter)}`)
  for (const [id, { critical }] of certificate.extensions) {
    const known = id === BASIC_CONSTRAINTS || id === KEY_USAGE || understood.includes(id)
    ensure(known || !critical, 'chain-critical-extension', `${name} has the critical extension ${id}`)
  }
}

function checkLeaf(leaf: Certificate, { leafWithoutKeyUsage = false }: ChainRules): void {
  const name = nameOf(leaf)
  ensure(!leaf.ca, 'chain-leaf-is-ca', `${name} is an authority`)
  const signs = leaf.keyUsage === null ? leafWithoutKeyUsage : (leaf.keyUsage & keyUsages.digitalSignature) !== 0
  ensure(signs, 'chain-key-usage', `${name} may not sign`)
}

/** `below`: authorities between this one and the leaf. */
function checkAuthority(authority: Certificate, below: number): void {
  const name = nameOf(authority)
  ensure(authority.ca, 'chain-not-ca', `${name} is no authority`)
  const signs = ((authority.keyUsage ?? 0) & keyUsages.keyCertSign) !== 0
  ensure(signs, 'chain-key-usage', `${name} may not sign certificates`)
  const allowed = authority.pathLength ?? below
  ensure(below <= allowed, 'chain-path-length', `${name} allows ${allowed} authorities below it, not ${below}`)
}

async function checkIssued(certificate: Certificate, issuer: Certificate): Promise<void> {
  const [name, by] = [nameOf(certificate), nameOf(issuer)]
  ensure(equal(certificate.issuer, issuer.subject), 'chain-name', `${name} names another issuer than ${by}`)
  const kinds = certificate.signedWith === issuer.key.kind
  ensure(kinds, 'chain-algorithm', `${name} is not signed in the way of the key of ${by}`)
  const signed = await isSignedBy(issuer.key, certificate.signature, certificate.signed)
  ensure(signed, 'chain-signature', `${name} is not signed by ${by}`)
}

function nameOf(certificate: Certificate): string {
  return JSON.stringify(certificate.commonName.slice(0, 64))
}

/** The last second that certificates can name (RFC 5280 section 4.1.2.5). */
const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000

/** For messages. */
export function iso(seconds: number): string {
  return new Date(Math.min(seconds, END_OF_TIME) * 1000).toISOString()
}
