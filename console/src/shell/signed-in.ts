/** Who is signed in with the platform (App Service's built-in authentication); asked for only where it is on. */
import { useQuery } from "@tanstack/react-query";

const signInIsOn = document.querySelector('meta[name="platform-sign-in"]')?.getAttribute("content") === "true";

interface Principal {
  readonly user_id?: string;
}

export function useSignedIn(): string | undefined {
  const { data } = useQuery({
    queryKey: ["signedIn"],
    queryFn: async () => {
      const response = await fetch(new URL("/.auth/me", location.origin));
      if (!response.ok) return null;
      const [principal] = (await response.json()) as Principal[];
      return principal?.user_id ?? null;
    },
    enabled: signInIsOn,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return data ?? undefined;
}

export const signOutHref = "/.auth/logout";
