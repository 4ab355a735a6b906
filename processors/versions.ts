// Versions of instrumentations, as their scopes say them.

/** Whether a version is one before `major.minor.patch`; false where it is none, as of emitters that say no version. */
export function isBelow(version: string, major: number, minor: number, patch = 0): boolean {
  const numbers = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)
  if (numbers === null) return false
  const [, first, second, third = '0'] = numbers
  return (Number(first) - major || Number(second) - minor || Number(third) - patch) < 0
}
