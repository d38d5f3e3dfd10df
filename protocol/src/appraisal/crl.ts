import { type Bytes, equal, hex } from '../bytes.ts'
import { context, elements, Fields, readDer, readSmall, readTime, readUnsigned, tags } from './der.ts'
import { AppraisalError, ensure } from './failure.ts'
import { isSignedBy, type KeyKind } from './public-key.ts'
import { type Certificate, iso, keyUsages, readExtensions, readSigned } from './x509.ts'

/** A certificate revocation list of version 2 (RFC 5280 section 5). */
export interface RevocationList {
  readonly signed: Bytes
  readonly signedWith: KeyKind
  readonly signature: Bytes
  /** A name, as encoded. */
  readonly issuer: Bytes
  /** Unix seconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** Serial numbers as in `Certificate`. */
  readonly revoked: ReadonlySet<string>
}

const VERSION_2 = 1
/** Some 20,000 revoked certificates; Intel's and AMD's lists have some dozens. */
const MAX_LIST_BYTES = 1024 * 1024

/**
 * @throws AppraisalError `malformed`, also for a list without nextUpdate; `crl-algorithm`; `crl-critical-extension` for
 * one that says less than it seems to (delta, indirect or partial lists mark themselves so).
 */
export function readRevocationList(encoding: Bytes): RevocationList {
  ensure(encoding.length > 0, 'crl-missing', 'revocation list is missing')
  if (encoding.length > MAX_LIST_BYTES) throw new AppraisalError('malformed', 'revocation list too large')
  const { body, algorithm, signature } = readSigned(encoding, 'crl-algorithm')
  const fields = new Fields(body)
  const version = readSmall(fields.next(tags.integer))
  if (version !== VERSION_2) throw new AppraisalError('malformed', 'revocation list is not of version 2')
  const named = fields.next(tags.sequence)
  if (!equal(named.encoding, algorithm.encoding)) throw new AppraisalError('malformed', 'two signature algorithms')
  const issuer = fields.next(tags.sequence)
  const [thisUpdate, nextUpdate] = [readTime(fields.any()), readTime(fields.any())]
  const entries = fields.optional(tags.sequence)
  const last = fields.optional(context(0))
  fields.end()
  if (last) refuseCritical(readExtensions(readDer(last.contents, tags.sequence)))
  const revoked = new Set<string>()
  for (const entry of entries ? elements(entries) : []) {
    const parts = new Fields(entry)
    revoked.add(hex(readUnsigned(parts.next(tags.integer))))
    readTime(parts.any())
    const extensions = parts.optional(tags.sequence)
    parts.end()
    if (extensions) refuseCritical(readExtensions(extensions))
  }
  return { signed: body.encoding, ...signature, issuer: issuer.encoding, thisUpdate, nextUpdate, revoked }
}

function refuseCritical(extensions: ReturnType<typeof readExtensions>): void {
  for (const [id, { critical }] of extensions) ensure(!critical, 'crl-critical-extension', `critical extension ${id}`)
}

/**
 * That `list` is by `issuer` and of today. `now` and the result, the list's nextUpdate, are Unix seconds.
 * @throws AppraisalError with a code that starts with `crl-`
 */
export async function verifyRevocationList(list: RevocationList, issuer: Certificate, now: number): Promise<number> {
  const name = JSON.stringify(issuer.commonName.slice(0, 64))
  ensure(equal(list.issuer, issuer.subject), 'crl-issuer', `list is not by ${name}`)
  const mayList = ((issuer.keyUsage ?? 0) & keyUsages.crlSign) !== 0
  ensure(mayList, 'crl-signer', `${name} may not sign revocation lists`)
  ensure(list.signedWith === issuer.key.kind, 'crl-algorithm', `list is not signed in the way of the key of ${name}`)
  const signed = await isSignedBy(issuer.key, list.signature, list.signed)
  ensure(signed, 'crl-signature', `list is not signed by ${name}`)
  ensure(now >= list.thisUpdate, 'crl-not-yet-valid', `list of ${name} is from ${iso(list.thisUpdate)}`)
  ensure(now <= list.nextUpdate, 'crl-expired', `list of ${name} expired ${iso(list.nextUpdate)}`)
  return list.nextUpdate
}

/**
 * That the issuer of `list` has not revoked `certificate`.
 * @throws AppraisalError `crl-issuer` when the list is not the one to ask, `crl-revoked`
 */
export function checkNotRevoked(certificate: Certificate, list: RevocationList): void {
  ensure(equal(certificate.issuer, list.issuer), 'crl-issuer', 'list is by another issuer than the certificate')
  const name = JSON.stringify(certificate.commonName.slice(0, 64))
  ensure(!list.revoked.has(certificate.serial), 'crl-revoked', `${name} is revoked by its issuer`)
}
