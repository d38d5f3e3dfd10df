import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'

/** Nearer to the end than this counts as at the end. */
const NEAR = 72

/**
 * The window follows the end of the conversation until the person scrolls up; then nothing moves what is being read.
 * `away` says that the end is out of sight.
 */
export function useFollow(
  content: RefObject<HTMLElement | null>,
  /** Nothing to follow on an empty screen. */
  active: boolean,
): {
  away: boolean
  toEnd: (smooth?: boolean) => void
} {
  const [away, setAway] = useState(false)
  const following = useRef(false)

  const toEnd = useCallback((smooth = false) => {
    following.current = true
    setAway(false)
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    window.scrollTo({ top: document.documentElement.scrollHeight, behavior: smooth && !still ? 'smooth' : 'instant' })
  }, [])

  useEffect(() => {
    let before = window.scrollY
    const onScroll = () => {
      const { scrollHeight } = document.documentElement
      const near = scrollHeight - window.innerHeight - window.scrollY < NEAR
      if (near) following.current = true
      else if (window.scrollY < before) following.current = false
      before = window.scrollY
      setAway(!near && !following.current)
    }
    window.addEventListener('scroll', onScroll, { passive: true })
    return () => window.removeEventListener('scroll', onScroll)
  }, [])

  useEffect(() => {
    const element = content.current
    following.current = active
    if (!element || !active || typeof ResizeObserver === 'undefined') return undefined
    const observer = new ResizeObserver(() => {
      if (following.current) window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })
      else setAway(document.documentElement.scrollHeight - window.innerHeight - window.scrollY >= NEAR)
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [content, active])

  return { away, toEnd }
}
