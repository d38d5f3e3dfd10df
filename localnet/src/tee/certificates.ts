import { type Bytes, hex, utf8 } from '@cocoon/protocol'
import {
  bits,
  boolean,
  ecdsaSignature,
  implicit,
  integer,
  namedBits,
  objectId,
  octets,
  printableText,
  sequence,
  set,
  tagged,
  time,
  utf8Text,
} from './der-writer.ts'
import { ecKeys, type KeyName } from './development-keys.ts'
import { publicKeyBits, publicKeyInfo, sign, signatureAlgorithm } from './keys.ts'

/** What every simulated authority is called, so that nobody mistakes one for the maker it stands in for. */
export const DEVELOPMENT = 'Cocoon development, worth nothing'

const attributes = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
} as const
/** A distinguished name, in the order in which its maker writes it. */
export type Name = readonly (readonly [keyof typeof attributes, string])[]

/** Numbers are the bits of RFC 5280 section 4.2.1.3. */
export const keyUsages = { digitalSignature: 0, nonRepudiation: 1, keyCertSign: 5, crlSign: 6 } as const
export type KeyUsage = keyof typeof keyUsages

export interface Extension {
  readonly id: string
  readonly critical?: boolean
  /** DER inside the octet string. */
  readonly value: Uint8Array
}

/**
 * A certificate before it is signed. Every field can be set against the rules: what the verifier must refuse has to be
 * written by someone. Times are Unix seconds.
 */
export interface CertificatePlan {
  serial: Uint8Array
  subject: Name
  issuer: Name
  notBefore: number
  notAfter: number
  key: KeyName
  signedBy: KeyName
  /** Null leaves the basic constraints out, `false` says "no authority". */
  authority: { pathLength?: number } | false | null
  /** Null leaves the key usage out. */
  usages: KeyUsage[] | null
  extensions: Extension[]
  /** Encoded version; 2 means version 3. */
  version: number
  /** Where revocation lists of the issuer are found; null leaves the pointer out. */
  revocationList: string | null
  /** Key identifiers are on real certificates, except AMD's VCEK. */
  keyIdentifiers: boolean
}

export function encodeName(name: Name): Bytes {
  return sequence(
    ...name.map(([attribute, text]) => {
      const printable = attribute === 'C' || attribute === 'serialNumber'
      return set(sequence(objectId(attributes[attribute]), printable ? printableText(text) : utf8Text(text)))
    }),
  )
}

/** SHA-1 of the key bits (RFC 5280 section 4.2.1.2, method 1): a name for a key, no protection. */
export async function keyIdentifier(key: KeyName): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-1', publicKeyBits(key)))
}

export async function authorityKeyIdentifier(key: KeyName): Promise<Extension> {
  return { id: '2.5.29.35', value: sequence(implicit(0, await keyIdentifier(key))) }
}

export function encodeExtension({ id, critical, value }: Extension): Bytes {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octets(value))
}

function basicConstraints(authority: CertificatePlan['authority']): Extension[] {
  if (authority === null) return []
  const members = authority === false ? [] : [boolean(true)]
  if (authority !== false && authority.pathLength !== undefined) members.push(integer(authority.pathLength))
  return [{ id: '2.5.29.19', critical: true, value: sequence(...members) }]
}

function keyUsage(usages: readonly KeyUsage[] | null): Extension[] {
  if (usages === null) return []
  return [{ id: '2.5.29.15', critical: true, value: namedBits(usages.map((usage) => keyUsages[usage])) }]
}

function distributionPoint(url: string | null): Extension[] {
  if (url === null) return []
  return [{ id: '2.5.29.31', value: sequence(sequence(tagged(0, tagged(0, implicit(6, utf8(url)))))) }]
}

async function identifiers(plan: CertificatePlan): Promise<Extension[]> {
  if (!plan.keyIdentifiers) return []
  return [
    { id: '2.5.29.14', value: octets(await keyIdentifier(plan.key)) },
    await authorityKeyIdentifier(plan.signedBy),
  ]
}

const MAX_SIGNED = 256
const signatures = new Map<string, Promise<Bytes>>()

/**
 * Signs what a certificate and a revocation list have in common: content, algorithm, signature (RFC 5280 section 4.1.1).
 * What was signed lately is not signed again: an authority's certificate keeps its bytes.
 */
export async function signDer(content: Bytes, signedBy: KeyName): Promise<Bytes> {
  const known = `${signedBy} ${hex(content)}`
  if (signatures.size > MAX_SIGNED) signatures.clear()
  const signature = signatures.get(known) ?? sign(signedBy, content)
  signatures.set(known, signature)
  const encoded = Object.hasOwn(ecKeys, signedBy) ? ecdsaSignature(await signature) : await signature
  return sequence(content, signatureAlgorithm(signedBy), bits(encoded))
}

/** DER of an X.509 certificate (RFC 5280 section 4.1). */
export async function issue(plan: CertificatePlan): Promise<Bytes> {
  const extensions = [
    ...(await identifiers(plan)),
    ...distributionPoint(plan.revocationList),
    ...keyUsage(plan.usages),
    ...basicConstraints(plan.authority),
    ...plan.extensions,
  ]
  const content = sequence(
    ...(plan.version === 0 ? [] : [tagged(0, integer(plan.version))]),
    integer(plan.serial),
    signatureAlgorithm(plan.signedBy),
    encodeName(plan.issuer),
    sequence(time(plan.notBefore), time(plan.notAfter)),
    encodeName(plan.subject),
    publicKeyInfo(plan.key),
    ...(extensions.length === 0 ? [] : [tagged(3, sequence(...extensions.map(encodeExtension)))]),
  )
  return signDer(content, plan.signedBy)
}

/** Issues what is planned, and passes on what is bytes already: pinned roots have to stay as they are. */
export function issueChain(chain: readonly (CertificatePlan | Bytes)[]): Promise<Bytes[]> {
  return Promise.all(chain.map(async (item) => (item instanceof Uint8Array ? item : issue(item))))
}

/** PEM (RFC 7468), lines of 64, one newline after the last. */
export function pem(...certificates: readonly Uint8Array[]): string {
  return certificates
    .map((der) => {
      const text = btoa(String.fromCharCode(...der))
      return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
    })
    .join('')
}

/** A fixed serial number of 20 bytes, as long as the makers' own. */
export function serial(number: number): Bytes {
  const bytes = new Uint8Array(20)
  bytes.set([0x40, 0xde, 0xc0])
  bytes[19] = number
  return bytes
}

/** Validity of authorities: certificates of the simulated TEE outlive any clock a test sets. */
export const LONG_AGO = Date.UTC(2025, 0, 1) / 1000
export const FAR_AHEAD = Date.UTC(2049, 11, 31, 23, 59, 59) / 1000
