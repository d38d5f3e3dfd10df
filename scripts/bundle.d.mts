export interface BundleFile {
  readonly path: string
  readonly bytes: Buffer
  readonly digest: string
}
export function bundleFiles(folder: string): BundleFile[]
export function bundleDigest(files: readonly { readonly path: string; readonly digest: string }[]): string
export function compareServed(files: readonly BundleFile[], origin: string): Promise<string[]>
