// Storage that may be switched off: then nothing is remembered, and nothing breaks.
const guarded = (area) => ({
  get(name) {
    try {
      return area().getItem(`keyward.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      if (value === null) area().removeItem(`keyward.${name}`);
      else area().setItem(`keyward.${name}`, value);
    } catch {
      // Not remembered.
    }
  },
});

export const lasting = guarded(() => localStorage);
export const passing = guarded(() => sessionStorage);
