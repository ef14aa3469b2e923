using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>The switch's ports: names and OpenFlow numbers, both unique.</summary>
public static class PortList
{
    /// <summary>OFPP_MAX (OpenFlow 1.0, which Open vSwitch keeps): ordinary ports are 1..0xfeff.</summary>
    public const uint MaxNumber = 0xff00 - 1;

    /// <summary>Parses <c>p1=1,p2=2</c>.</summary>
    public static IReadOnlyList<(string Name, uint Number)> Parse(string text)
    {
        List<(string, uint)> ports = [];
        foreach (string item in text.Split(','))
        {
            string[] sides = item.Split('=');
            if (sides.Length != 2 || sides[0].Trim().Length == 0 ||
                !uint.TryParse(sides[1].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
                CommandFailedException.ThrowUsage($"--ports: '{item}' is not NAME=NUMBER");
            else ports.Add((sides[0].Trim(), number));
        }
        if (Fault(ports) is string fault) CommandFailedException.ThrowUsage($"--ports: {fault}");
        return ports;
    }

    /// <summary>Reads the member <c>"ports":{"p1":1,..}</c>; null when it is missing.</summary>
    /// <exception cref="CommandFailedException">It is there and wrong.</exception>
    public static IReadOnlyList<(string Name, uint Number)>? Read(JsonElement root, string file)
    {
        if (!root.TryGetProperty("ports", out JsonElement element)) return null;
        List<(string, uint)> ports = [];
        if (element.ValueKind != JsonValueKind.Object) CommandFailedException.ThrowBadInput(file, 1, "\"ports\": expected an object");
        foreach (JsonProperty port in element.EnumerateObject())
        {
            if (port.Value.ValueKind != JsonValueKind.Number || !port.Value.TryGetUInt32(out uint number))
                CommandFailedException.ThrowBadInput(file, 1, $"\"ports\": {CliJson.Quote(port.Name)}: expected a port number");
            else ports.Add((port.Name, number));
        }
        if (Fault(ports) is string fault) CommandFailedException.ThrowBadInput(file, 1, $"\"ports\": {fault}");
        return ports;
    }

    /// <summary>What is wrong with a list of ports; null = nothing.</summary>
    public static string? Fault(IReadOnlyList<(string Name, uint Number)> ports)
    {
        if (ports.Count == 0) return "there is no port";
        HashSet<string> names = [];
        HashSet<uint> numbers = [];
        foreach ((string name, uint number) in ports)
        {
            if (number is 0 or > MaxNumber) return $"port number {number} is not in 1..{MaxNumber}";
            if (!names.Add(name)) return $"port name '{name}' occurs twice";
            if (!numbers.Add(number)) return $"port number {number} occurs twice";
        }
        return null;
    }
}
