using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>One connection limit, in the words of OVS <c>dpctl/ct-set-limits</c> and <c>dpctl/ct-del-limits</c>.</summary>
/// <param name="Zone">Zone; null = every zone without a limit of its own.</param>
/// <param name="Limit">Most connections; null = the limit goes.</param>
public readonly record struct ZoneLimitText(ushort? Zone, uint? Limit)
{
    /// <summary>The form of an argument, for messages.</summary>
    public static string Expected(bool isDeletion) => isDeletion ? "zone=Z[,Z..]" : "default=N or zone=Z,limit=N";

    /// <summary>Reads one argument; false if it has another form or a number is out of range.</summary>
    public static bool TryParse(string text, bool isDeletion, ICollection<ZoneLimitText> limits)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(limits);
        if (!isDeletion && After(text, "default=") is string fallback)
        {
            if (!TryNumber(fallback, uint.MaxValue, out uint limit)) return false;
            limits.Add(new ZoneLimitText(null, limit));
            return true;
        }

        if (After(text, "zone=") is not string rest) return false;
        string[] parts = rest.Split(',');
        if (isDeletion)
        {
            foreach (string part in parts)
            {
                if (!TryNumber(part, ushort.MaxValue, out uint number)) return false;
                limits.Add(new ZoneLimitText((ushort)number, null));
            }

            return true;
        }

        if (parts.Length != 2 || !TryNumber(parts[0], ushort.MaxValue, out uint zone)) return false;
        if (After(parts[1], "limit=") is not string amount || !TryNumber(amount, uint.MaxValue, out uint most)) return false;
        limits.Add(new ZoneLimitText((ushort)zone, most));
        return true;
    }

    private static string? After(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : null;

    private static bool TryNumber(string text, uint max, out uint value)
        => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value <= max;
}
