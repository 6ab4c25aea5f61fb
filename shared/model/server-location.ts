/** The region that a server's host name tells: most clouds write it into the names that they give. */

/** One pattern a cloud, the region in its first group. Azure's own names of servers tell none. */
const patterns: readonly RegExp[] = [
  // Virtual machines and load balancers of Azure: NAME.westeurope.cloudapp.azure.com.
  /\.([a-z0-9]+)\.cloudapp\.azure\.com$/,
  // Amazon RDS and Aurora: NAME.ID.eu-central-1.rds.amazonaws.com, in China .com.cn behind it.
  /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$/,
  // Machines of EC2: ec2-….eu-central-1.compute.amazonaws.com.
  /\.([a-z]{2}(?:-[a-z]+)+-\d)\.compute\.amazonaws\.com(?:\.cn)?$/,
  // Machines of Google Cloud, by their zone: NAME.europe-west3-a.c.PROJECT.internal.
  /\.([a-z]+-[a-z]+\d+)-[a-z]\.c\.[^.]+(?:\.[^.]+)?\.internal$/,
];

/** Undefined where the name tells none. */
export function locationOfHost(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  for (const pattern of patterns) {
    const region = pattern.exec(name)?.[1];
    if (region !== undefined) return region;
  }
  return undefined;
}
