import { expect, test } from "vitest";
import { locationOfHost } from "../../shared/model/server-location.js";

test.each([
  ["orders.abc123xyz.eu-central-1.rds.amazonaws.com", "eu-central-1"],
  ["orders.cluster-abc.us-gov-west-1.rds.amazonaws.com", "us-gov-west-1"],
  ["orders.abc.cn-north-1.rds.amazonaws.com.cn", "cn-north-1"],
  ["ec2-1-2-3-4.eu-west-2.compute.amazonaws.com", "eu-west-2"],
  ["DB1.WestEurope.cloudapp.azure.com.", "westeurope"],
  ["db1.europe-west3-a.c.my-project.internal", "europe-west3"],
])("%s is in %s", (host, region) => {
  expect(locationOfHost(host)).toBe(region);
});

test.each(["orders.postgres.database.azure.com", "10.0.0.4", "::1", "db1.internal", "rds.amazonaws.com", "x"])(
  "%s tells no region",
  (host) => {
    expect(locationOfHost(host)).toBeUndefined();
  },
);
