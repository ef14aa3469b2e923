using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mergeflow.Engine.Offload;

/// <summary>Admission policies by name.</summary>
public static class Admission
{
    /// <summary>What <see cref="TryParse"/> takes.</summary>
    public const string Syntax = "always|after-N|saved-cycles";

    private const string After = "after-";

    /// <summary>The policy of that name.</summary>
    /// <param name="text"><c>always</c>, <c>after-N</c> (from the N-th packet of a flow on, 1..16384) or <c>saved-cycles</c>.</param>
    /// <param name="mode">Where rules go: a hit in a NIC costs the packet thread nothing.</param>
    /// <param name="policy">Null if there is none.</param>
    public static bool TryParse(string text, OffloadMode mode, [NotNullWhen(true)] out IAdmissionPolicy? policy)
    {
        policy = text switch
        {
            "always" => new AdmitAll(),
            "saved-cycles" => new AdmitSavedCycles(mode == OffloadMode.Nic ? new SavedCycles { HitCycles = 0 } : null),
            _ when text.StartsWith(After, StringComparison.Ordinal)
                && int.TryParse(text.AsSpan(After.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int n)
                && n is >= 1 and <= RecordingFilter.MaxAfterPackets => new AdmitAll { RecordAfterPackets = n },
            _ => null,
        };
        return policy is not null;
    }
}
