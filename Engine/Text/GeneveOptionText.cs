using System.Globalization;
using Mergeflow.Engine.Actions;

namespace Mergeflow.Engine.Text;

/// <summary>A line of <c>ovs-ofctl add-tlv-map</c>: <c>{class=0x102,type=0x80,len=4}-&gt;tun_metadata0</c>.</summary>
public static class GeneveOptionText
{
    private const string End = "}->tun_metadata0";

    /// <summary>Reads a mapping of the first field; false if it is another field, or not such a text.</summary>
    public static bool TryParse(string text, out GeneveOption option)
    {
        option = default;
        if (!text.StartsWith('{') || !text.EndsWith(End, StringComparison.Ordinal)) return false;
        Dictionary<string, UInt128> members = [];
        foreach (string member in text[1..^End.Length].Split(','))
        {
            int equals = member.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0 || !NumberText.TryParse(member.AsSpan(equals + 1), ushort.MaxValue, out UInt128 value) || !members.TryAdd(member[..equals], value)) return false;
        }

        if (members.Count != 3 || !members.TryGetValue("class", out UInt128 c) || !members.TryGetValue("type", out UInt128 type) || !members.TryGetValue("len", out UInt128 length)) return false;
        if (type > byte.MaxValue || (int)length is not (4 or 8)) return false;
        option = new GeneveOption((ushort)c, (byte)type, (byte)length);
        return true;
    }

    /// <summary>The mapping as ovs-ofctl takes it.</summary>
    public static string Format(GeneveOption option) => string.Create(CultureInfo.InvariantCulture, $"{{class=0x{option.Class:x},type=0x{option.Type:x},len={option.LengthBytes}{End}");
}
