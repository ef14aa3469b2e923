using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Mergeflow.Native;

/// <summary>
/// The one seed of a process. Whatever it draws by chance comes from here, so a run that went wrong can be run again: hash keys, conntrack, NAT
/// choices, the NIC's RSS and tables, samples. <c>MERGEFLOW_SEED</c> sets it; without, the system's random numbers do.
/// </summary>
public static class ProcessSeed
{
    /// <summary>The environment variable that sets it: decimal, or hexadecimal behind <c>0x</c>.</summary>
    public const string Variable = "MERGEFLOW_SEED";

    /// <summary>A value that was set and is no number: a message for a user; null when all is well. The seed is random then.</summary>
    public static string? Fault { get; private set; }

    /// <summary>The seed.</summary>
    public static ulong Value { get; } = Choose(Environment.GetEnvironmentVariable(Variable));

    /// <summary>How to run this again.</summary>
    public static string Text => string.Create(CultureInfo.InvariantCulture, $"{Variable}={Value}");

    /// <summary>The seed for one purpose: the same in each run with this seed, unlike that of any other purpose, and never 0.</summary>
    public static ulong For(string purpose) => Derive(Value, purpose);

    /// <summary>A seed for one purpose from that of a whole: never 0, which means "by chance" to whoever takes one.</summary>
    public static ulong Derive(ulong seed, string purpose)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{seed} {purpose}")), hash);
        return BitConverter.ToUInt64(hash) | 1;
    }

    /// <summary>Reads a seed.</summary>
    public static bool TryParse(string text, out ulong seed)
        => text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out seed)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seed);

    private static ulong Choose(string? text)
    {
        if (!string.IsNullOrEmpty(text))
        {
            if (TryParse(text, out ulong given)) return given;
            Fault = $"{Variable}: expected a number below 2^64, not '{text}'";
        }

        return BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    }
}
