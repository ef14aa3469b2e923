namespace Mergeflow.Control.Bridges;

/// <summary>A set of processors as a hexadecimal mask says it, the lowest one in the last digit (<c>pmd-cpu-mask</c>).</summary>
public sealed record CpuMask
{
    private readonly string _digits;

    private CpuMask(string digits) => _digits = digits;

    /// <summary>Reads a mask, with <c>0x</c> in front or not; null = the text is empty, or no mask.</summary>
    public static CpuMask? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        string digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        return digits.Length > 0 && digits.All(char.IsAsciiHexDigit) ? new CpuMask(digits) : null;
    }

    /// <summary>Whether a processor is one of them.</summary>
    public bool Contains(int cpu)
    {
        int digit = cpu / 4;
        return cpu >= 0 && digit < _digits.Length && (Convert.ToInt32(_digits.Substring(_digits.Length - 1 - digit, 1), 16) & (1 << (cpu % 4))) != 0;
    }
}
