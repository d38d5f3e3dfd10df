import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'

/** Nearer to the end than this counts as at the end. */
const NEAR = 72

const end = (): number => document.documentElement.scrollHeight
const jump = (top: number): void => window.scrollTo({ top, behavior: 'instant' })

/**
 * The window follows the end of the conversation until the person scrolls up; then nothing moves what is being read.
 * `away` says that the end is out of sight.
 */
export function useFollow(
  content: RefObject<HTMLElement | null>,
  /** Which conversation it is. Another one is begun at its end. */
  conversation: string | null,
  /** Nothing to follow on an empty screen. */
  active: boolean,
  /** A page stands before it: what was being read is found again afterwards. */
  hidden: boolean,
): {
  away: boolean
  toEnd: (smooth?: boolean) => void
} {
  const [away, setAway] = useState(false)
  const following = useRef(false)
  const left = useRef(0)

  const toEnd = useCallback((smooth = false) => {
    following.current = true
    setAway(false)
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    window.scrollTo({ top: end(), behavior: smooth && !still ? 'smooth' : 'instant' })
  }, [])

  const followed = useRef<string | null>(null)
  useEffect(() => {
    followed.current = conversation
    following.current = active
  }, [conversation, active])

  useLayoutEffect(() => {
    jump(hidden ? 0 : following.current ? end() : left.current)
  }, [hidden])

  useEffect(() => {
    if (hidden) return undefined
    let before = window.scrollY
    const onScroll = () => {
      // The jump to another page's beginning is not the person's.
      if (content.current?.getClientRects().length === 0) return
      const near = end() - window.innerHeight - window.scrollY < NEAR
      if (near) following.current = true
      else if (window.scrollY < before) following.current = false
      before = window.scrollY
      left.current = before
      setAway(!near && !following.current)
    }
    window.addEventListener('scroll', onScroll, { passive: true })
    return () => window.removeEventListener('scroll', onScroll)
  }, [content, hidden])

  useEffect(() => {
    const element = content.current
    if (!element || !active || hidden || typeof ResizeObserver === 'undefined') return undefined
    const observer = new ResizeObserver(() => {
      if (following.current) jump(end())
      else setAway(end() - window.innerHeight - window.scrollY >= NEAR)
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [content, active, hidden])

  return { away, toEnd }
}
