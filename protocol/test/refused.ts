import { CocoonError, type ErrorCode } from '../src/index.ts'

/** The code something is refused with; anything but a CocoonError is a fault of ours and goes on up. */
export async function codeOf(run: () => unknown): Promise<ErrorCode | 'accepted'> {
  try {
    await run()
  } catch (error) {
    if (error instanceof CocoonError) return error.code
    throw error
  }
  return 'accepted'
}
