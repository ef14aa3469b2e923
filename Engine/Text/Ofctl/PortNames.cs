using System.Globalization;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>OpenFlow port numbers and their names, the reserved ones included (OVS <c>ofputil_port_map</c>).</summary>
public sealed class PortNames
{
    /// <summary>No names: numbers and reserved names only.</summary>
    public static readonly PortNames None = new(new Dictionary<string, uint>());

    private static readonly (string Name, uint Number)[] s_reserved =
    [
        ("IN_PORT", 0xfff8), ("TABLE", 0xfff9), ("NORMAL", 0xfffa), ("FLOOD", 0xfffb), ("ALL", 0xfffc),
        ("CONTROLLER", 0xfffd), ("LOCAL", 0xfffe), ("ANY", 0xffff), ("UNSET", OfPorts.Unset), ("NONE", 0xffff),
    ];

    private readonly Dictionary<string, uint> _byName;
    private readonly Dictionary<uint, string> _byNumber = [];

    /// <summary>No number is reserved.</summary>
    internal bool IsOfDatapath { get; }

    /// <summary>Copies <paramref name="ports"/>, name to number.</summary>
    public PortNames(IReadOnlyDictionary<string, uint> ports)
    {
        _byName = new Dictionary<string, uint>(ports, StringComparer.Ordinal);
        foreach ((string name, uint number) in ports)
        {
            if (IsPlainName(name)) _byNumber.TryAdd(number, name);
        }
    }

    private PortNames(Dictionary<uint, string> texts) => (_byName, _byNumber, IsOfDatapath) = ([], texts, true);

    /// <summary>What the ports of a datapath are called by their OpenFlow numbers here: by names, or by the numbers that they have there. None is reserved.</summary>
    public static PortNames InDatapath(IEnumerable<KeyValuePair<uint, string>> texts) => new(new Dictionary<uint, string>(texts));

    /// <summary>
    /// A number, a reserved name in any case, or a name of the map, quoted or not. Reserved ports may be given by their numbers of OpenFlow 1.0, which are the ones that come
    /// back, or of 1.1 (OVS <c>ofputil_port_from_string</c>).
    /// </summary>
    public bool TryParse(ReadOnlySpan<char> text, out uint port)
    {
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port))
        {
            return port <= ushort.MaxValue || OfPorts.TryNarrow(port, out port);
        }

        foreach ((string name, uint number) in s_reserved)
        {
            if (!text.Equals(name, StringComparison.OrdinalIgnoreCase)) continue;
            port = number;
            return true;
        }

        if (text.Length > 1 && text[0] == '"' && text[^1] == '"') text = text[1..^1];
        return _byName.TryGetValue(text.ToString(), out port);
    }

    /// <summary>A reserved name in capitals, a name of the map that reads back without quotes, or the number.</summary>
    public string Format(uint port)
    {
        if (IsOfDatapath) return _byNumber.TryGetValue(port, out string? text) ? text : port.ToString(CultureInfo.InvariantCulture);
        foreach ((string name, uint number) in s_reserved)
        {
            if (number == port) return name;
        }

        return _byNumber.TryGetValue(port, out string? known) ? known : port.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Not a number, not reserved, and free of the characters that have a meaning in flow text.</summary>
    private static bool IsPlainName(string name)
        => name.Length > 0
        && !char.IsAsciiDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.')
        && !s_reserved.Any(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
