import { buildBundle } from '@cocoon/localnet'

/** One build for every test file here. */
export default async function setup(): Promise<void> {
  await buildBundle(() => undefined)
}
