import { type Bytes, copy, hex } from '@cocoon/protocol'
import type { SnpCollateral } from '@cocoon/protocol/appraisal'

/**
 * The certificate table that a host may hand to its guest with a report: entries of a GUID, an offset and a length, up to
 * one of zeros (GHCB specification 56421, section 4.1.8.1). GUIDs stand in the order of their digits, as AMD's own tools
 * write them.
 */
const ENTRY_BYTES = 24
const guids = {
  vcek: '63da758de6644564adc5f4b93be8accd',
  ask: '4ab7b379bbac4fe4a02f05aef327c782',
  ark: 'c0b406a4a803495297433fb6014cd0ae',
  crl: '92f81bc358114d3d97ffd19f88dc67ea',
} as const
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/

/**
 * What the table holds of AMD's endorsements, or null where VCEK or its chain is missing: hosts need not provide any, and
 * the broker fetches them from AMD then. The host is not trusted with it: devices verify every certificate.
 */
export function readCertificateTable(table: Bytes): SnpCollateral | null {
  const entries = readEntries(table)
  const vcek = entries.get(guids.vcek)
  const ask = entries.get(guids.ask)
  const ark = entries.get(guids.ark)
  if (!vcek || !ask || !ark) return null
  return {
    vcek: derOf(vcek),
    chain: pemOf(derOf(ask)) + pemOf(derOf(ark)),
    crl: entries.get(guids.crl) ?? new Uint8Array(),
  }
}

function readEntries(table: Bytes): Map<string, Bytes> {
  const view = new DataView(table.buffer, table.byteOffset, table.length)
  const entries = new Map<string, Bytes>()
  for (let at = 0; at + ENTRY_BYTES <= table.length; at += ENTRY_BYTES) {
    const guid = table.subarray(at, at + 16)
    if (guid.every((byte) => byte === 0)) break
    const [offset, length] = [view.getUint32(at + 16, true), view.getUint32(at + 20, true)]
    if (length === 0 || offset + length > table.length) continue
    entries.set(hex(guid), copy(table.subarray(offset, offset + length)))
  }
  return entries
}

/** Hosts put in either form. */
function derOf(certificate: Bytes): Bytes {
  const text = Buffer.from(certificate).toString('latin1')
  const body = PEM.exec(text)?.[1]
  return body === undefined ? certificate : new Uint8Array(Buffer.from(body, 'base64'))
}

function pemOf(der: Bytes): string {
  const text = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{1,64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${text}-----END CERTIFICATE-----\n`
}
