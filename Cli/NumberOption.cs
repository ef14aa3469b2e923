using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Mergeflow.Cli;

/// <summary>An option that takes a number, written the same way everywhere: digits, a point before decimals, no thousands separators (<c>0,5</c> is not 5).</summary>
/// <typeparam name="T">Its type; also its range.</typeparam>
public sealed class NumberOption<T> : Option<T>
    where T : struct, INumber<T>, IMinMaxValue<T>
{
    /// <param name="name">As it is typed.</param>
    /// <param name="aliases">Other names.</param>
    public NumberOption(string name, params string[] aliases)
        : base(name, aliases) => CustomParser = result => OptionNumber.Read<T>(result, name) ?? default;
}

/// <summary>The same where the option may be missing and has no default.</summary>
/// <typeparam name="T">Its type; also its range.</typeparam>
public sealed class OptionalNumberOption<T> : Option<T?>
    where T : struct, INumber<T>, IMinMaxValue<T>
{
    /// <param name="name">As it is typed.</param>
    /// <param name="aliases">Other names.</param>
    public OptionalNumberOption(string name, params string[] aliases)
        : base(name, aliases) => CustomParser = result => OptionNumber.Read<T>(result, name);
}

/// <summary>How numbers are read.</summary>
internal static class OptionNumber
{
    public static T? Read<T>(ArgumentResult result, string name)
        where T : struct, INumber<T>, IMinMaxValue<T>
    {
        if (result.Tokens is not [{ Value: string text }])
        {
            result.AddError($"{name} takes one number");
            return null;
        }

        bool isWhole = T.One / (T.One + T.One) == T.Zero;
        NumberStyles styles = isWhole ? NumberStyles.AllowLeadingSign : NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (T.TryParse(text, styles, CultureInfo.InvariantCulture, out T value) && T.IsFinite(value)) return value;
        result.AddError(isWhole
            ? string.Create(CultureInfo.InvariantCulture, $"{name}: '{text}' is no whole number from {T.MinValue} to {T.MaxValue}")
            : $"{name}: '{text}' is no number (decimals come after a point)");
        return null;
    }
}
