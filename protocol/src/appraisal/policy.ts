import type { Bytes } from '../bytes.ts'

/** One of AMD's root keys: the product line it stands for, and SHA-256 (lower-case hex) of its certificate, DER. */
export interface AmdRoot {
  readonly product: string
  readonly digest: string
}

/** k of n Ed25519 keys, kept offline. */
export interface Owners {
  readonly keys: readonly Bytes[]
  readonly threshold: number
}

/**
 * What a build trusts before it has read anything. Chosen when the build is made (the import `#pins`), never handed in
 * and never fetched: whoever could choose the roots could pass for any machine.
 */
export interface Pins {
  /** Every machine that a development build accepts is simulated, and is labelled so. */
  readonly build: 'production' | 'development'
  /** Global ids of the networks this build may serve. */
  readonly networks: readonly number[]
  /** Intel's SGX root CA, DER. */
  readonly intelRoot: Bytes
  /** NVIDIA's device identity CA, DER. */
  readonly nvidiaRoot: Bytes
  readonly amdRoots: readonly AmdRoot[]
  /** No keys means that no registry was published for this build: everything is refused. */
  readonly owners: Owners
}

/**
 * Seconds by which another clock may be ahead of the device's. Signed times bound the device's own from below, so a
 * phone an hour behind still works; one further off is told so.
 */
export const CLOCK_TOLERANCE_SECONDS = 2 * 60 * 60
