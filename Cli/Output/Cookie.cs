using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>Cookies as Open vSwitch prints them: <c>0x</c> and no leading zeroes.</summary>
internal static class Cookie
{
    public static string Format(ulong cookie) => "0x" + cookie.ToString("x", CultureInfo.InvariantCulture);
}
