import type { Bytes } from '@cocoon/protocol'
import {
  authorityKeyIdentifier,
  encodeExtension,
  encodeName,
  type Extension,
  type Name,
  signDer,
} from './certificates.ts'
import { enumerated, integer, sequence, tagged, time } from './der-writer.ts'
import type { KeyName } from './development-keys.ts'
import { signatureAlgorithm } from './keys.ts'

/** A revocation list before it is signed. Times are Unix seconds. */
export interface CrlPlan {
  issuer: Name
  signedBy: KeyName
  thisUpdate: number
  /** Null leaves it out, which RFC 5280 forbids. */
  nextUpdate: number | null
  /** Without extensions: the reason "key compromise", as Intel gives. */
  revoked: { serial: Uint8Array; at: number; extensions?: Extension[] }[]
  number: number
  /** Further extensions of the list. */
  extensions: Extension[]
}

const KEY_COMPROMISE: Extension = { id: '2.5.29.21', value: enumerated(1) }

function entry({ serial, at, extensions = [KEY_COMPROMISE] }: CrlPlan['revoked'][number]): Bytes {
  return sequence(integer(serial), time(at), sequence(...extensions.map(encodeExtension)))
}

/** DER of a version 2 certificate revocation list (RFC 5280 section 5.1). */
export async function issueCrl(plan: CrlPlan): Promise<Bytes> {
  const extensions = [
    { id: '2.5.29.20', value: integer(plan.number) },
    await authorityKeyIdentifier(plan.signedBy),
    ...plan.extensions,
  ]
  const content = sequence(
    integer(1),
    signatureAlgorithm(plan.signedBy),
    encodeName(plan.issuer),
    time(plan.thisUpdate),
    ...(plan.nextUpdate === null ? [] : [time(plan.nextUpdate)]),
    ...(plan.revoked.length === 0 ? [] : [sequence(...plan.revoked.map(entry))]),
    tagged(0, sequence(...extensions.map(encodeExtension))),
  )
  return signDer(content, plan.signedBy)
}
