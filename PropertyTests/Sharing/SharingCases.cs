using System.Globalization;

namespace Mergeflow.PropertyTests;

/// <summary>How much the runs with shared connections do.</summary>
internal static class SharingCases
{
    /// <summary>The first seed.</summary>
    public static int FirstSeed => Number("MERGEFLOW_SHARING_SEED", 1);

    /// <summary>Cases of a run that does <paramref name="otherwise"/> if nobody says another number.</summary>
    public static int Count(int otherwise) => Number("MERGEFLOW_SHARING_CASES", otherwise);

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
