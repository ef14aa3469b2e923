using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text.Json;
using Xunit;
using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>The model parser sees in thousands of whole and damaged frames what Open vSwitch sees.</summary>
public sealed class ReferenceParserTests(ITestOutputHelper output)
{
    private static readonly string[] s_tcpFlags = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"];

    [Theory]
    [InlineData("extract.jsonl.gz")]
    [InlineData("extract-mutated.jsonl.gz")]
    public void The_parser_sees_what_was_recorded(string file)
    {
        string path = Path.Combine(DataFolders.Recorded, file);
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        List<string> faults = [];
        int frames = 0, fields = 0;
        while (reader.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            string hex = json.RootElement.GetProperty("hex").GetString()!, want = json.RootElement.GetProperty("flow").GetString()!;
            RefFlow flow = ReferenceParser.Parse(Convert.FromHexString(hex)).Flow;
            frames++;
            foreach (string item in want.Split(',').Where(i => i.Contains('=', StringComparison.Ordinal)))
            {
                string[] pair = item.Split('=');
                if (Show(flow, pair[0]) is not { } got) continue;
                fields++;
                if (got != pair[1]) faults.Add($"{hex}: {item}, model {got}\n  {want}");
            }
        }

        output.WriteLine($"{frames} frames, {fields} fields");
        Assert.True(faults.Count == 0, $"{faults.Count} faults:\n{string.Join('\n', faults.Take(10))}");
        Assert.True(fields > 5 * frames, "too few fields were compared");
    }

    /// <summary>The field as ovs-ofctl prints it; null = it is not compared.</summary>
    private static string? Show(RefFlow f, string name) => name switch
    {
        "dl_src" => Mac(f.U(F.EthSrc)),
        "dl_dst" => Mac(f.U(F.EthDst)),
        "dl_type" => $"0x{f.U(F.EthType):x4}",
        "dl_vlan" or "dl_vlan1" => Number(f.U(name == "dl_vlan" ? F.Tci0 : F.Tci1) & 0xfff),
        "dl_vlan_pcp" or "dl_vlan_pcp1" => Number(f.U(name == "dl_vlan_pcp" ? F.Tci0 : F.Tci1) >> 13),
        "vlan_tci" => $"0x{f.U(F.Tci0):x4}",
        "nw_src" or "arp_spa" => Ip4(f[F.IpSrc]),
        "nw_dst" or "arp_tpa" => Ip4(f[F.IpDst]),
        "ipv6_src" => Ip6(f[F.Ip6Src]),
        "ipv6_dst" => Ip6(f[F.Ip6Dst]),
        "ipv6_label" => $"0x{f.U(F.Ip6Label):x5}",
        "nd_target" => Ip6(f[F.NdTarget]),
        "nw_proto" or "arp_op" => Number(f.U(F.Proto)),
        "nw_tos" => Number(f.U(F.Tos) & 0xfc),
        "nw_ecn" => Number(f.U(F.Tos) & 3),
        "nw_ttl" => Number(f.U(F.Ttl)),
        "nw_frag" => f.U(F.Frag) switch { 0 => "no", 1 => "first", _ => "later" },
        "tp_src" or "icmp_type" => Number(f.U(F.TpSrc)),
        "tp_dst" or "icmp_code" => Number(f.U(F.TpDst)),
        "tcp_flags" => Flags((int)f.U(F.TcpFlags)),
        "arp_sha" or "nd_sll" => Mac(f.U(F.HwSrc)),
        "arp_tha" or "nd_tll" => Mac(f.U(F.HwDst)),
        _ => null,
    };

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Mac(ulong value)
    {
        string hex = value.ToString("x12", CultureInfo.InvariantCulture);
        return string.Join(':', Enumerable.Range(0, 6).Select(i => hex.Substring(2 * i, 2)));
    }

    private static string Ip4(UInt128 value)
    {
        byte[] b = new byte[4];
        Wire.Put32(b, 0, value);
        return new IPAddress(b).ToString();
    }

    private static string Ip6(UInt128 value)
    {
        byte[] b = new byte[16];
        Wire.Put128(b, 0, value);
        return new IPAddress(b).ToString();
    }

    /// <summary>Only sets that have a name for each bit.</summary>
    private static string? Flags(int flags)
        => flags == 0 ? "0" : flags >= 0x200 ? null : string.Join('|', s_tcpFlags.Where((_, bit) => (flags & (1 << bit)) != 0));
}
