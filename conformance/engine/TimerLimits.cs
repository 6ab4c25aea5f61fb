using System.Reflection;
using System.Text.Json;
using Microsoft.Azure.WebJobs.Extensions.DurableTask;

namespace Conformance;

/// <summary>
/// The lengths from which a timer is made of legs, and of a leg: fixed for users, with setters for the extension's own tests.
/// They are read from host.json's durableTask section here, as the local host reads them.
/// </summary>
public static class TimerLimits
{
    public static void Apply(DurableTaskExtension durable, JsonElement extensions)
    {
        if (!extensions.TryGetProperty("durableTask", out var settings))
        {
            return;
        }

        var property = typeof(DurableTaskExtension)
            .GetProperty("DefaultDurabilityProvider", BindingFlags.Instance | BindingFlags.NonPublic);
        var provider = property?.GetValue(durable) as DurabilityProvider
            ?? throw new MissingMemberException("DurableTaskExtension.DefaultDurabilityProvider");
        if (settings.TryGetProperty("maximumShortTimerDuration", out var maximum))
        {
            provider.MaximumDelayTime = TimeSpan.Parse(maximum.GetString() ?? "");
        }

        if (settings.TryGetProperty("longRunningTimerIntervalDuration", out var interval))
        {
            provider.LongRunningTimerIntervalLength = TimeSpan.Parse(interval.GetString() ?? "");
        }
    }
}
