using System.Globalization;

namespace Mergeflow.Tests;

/// <summary>How many packet threads the recorded cases run on (<c>MERGEFLOW_PMDS</c>, 1), and how packets come to them (<c>MERGEFLOW_RSS=asymmetric</c>).</summary>
internal static class PmdSpread
{
    /// <summary>Packet threads.</summary>
    public static int Count { get; } = int.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_PMDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : 1;

    /// <summary>Both directions of a connection come to the same packet thread.</summary>
    public static bool IsSymmetric { get; } = Environment.GetEnvironmentVariable("MERGEFLOW_RSS") != "asymmetric";
}
