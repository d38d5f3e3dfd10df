/**
 * iOS lays its keyboard over the page instead of shrinking it: `--keyboard` is how much it covers, so that the composer can
 * stand on it. Zero elsewhere, and while the page is zoomed.
 */
export function watchKeyboard(root: HTMLElement = document.documentElement): () => void {
  const view = window.visualViewport
  if (!view) return () => {}
  const measure = () => {
    const covered = view.scale > 1.01 ? 0 : window.innerHeight - view.height - view.offsetTop
    root.style.setProperty('--keyboard', `${Math.max(0, Math.round(covered))}px`)
  }
  view.addEventListener('resize', measure)
  view.addEventListener('scroll', measure)
  return () => {
    view.removeEventListener('resize', measure)
    view.removeEventListener('scroll', measure)
  }
}
