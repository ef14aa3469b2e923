using System.Buffers.Binary;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The kernel's program with rules of tunnels: what leaves is what software and <see cref="RefTunnels"/> say, and everything is counted.</summary>
public sealed class KernelTunnelProperties(ITestOutputHelper output)
{
    private const int Seeds = 2;

    [Theory]
    [InlineData(BpfAttachPoint.TcxIngress, false)]
    [InlineData(BpfAttachPoint.TcxIngress, true)]
    [InlineData(BpfAttachPoint.Xdp, false)]
    [InlineData(BpfAttachPoint.Xdp, true)]
    public void What_leaves_by_rules_in_the_kernel_is_what_the_model_says(BpfAttachPoint form, bool isTracked)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
        ulong hits = 0, frames = 0, byKernel = 0;
        for (int seed = 1; seed <= Seeds; seed++)
        {
            TunnelBed? bed = null;
            (ulong h, ulong f) = TunnelMergeProperties.Play(seed, isTracked, () => bed = new TunnelBed(OffloadMode.Kernel, form), mostlyOneOutput: true);
            (hits, frames, byKernel) = (hits + h, frames + f, byKernel + bed!.KernelHits);
        }

        output.WriteLine($"{frames} frames, {byKernel} by the kernel's program");
        Assert.Equal(byKernel, hits);
        Assert.True(byKernel * 8 > frames, $"only {byKernel} of {frames} frames were taken by the kernel's program");
    }

    private const string Flows =
        """
        in_port=2,tcp6 actions=set_field:fd00::9->ipv6_src,set_field:99->tcp_dst,dec_ttl,output:11
        in_port=2,udp6 actions=set_field:fd00::8->ipv6_dst,output:14
        in_port=2,icmp6 actions=output:10
        in_port=2,tcp actions=mod_nw_src:10.9.9.9,mod_tp_src:77,output:14
        in_port=2,udp actions=mod_nw_dst:10.8.8.8,dec_ttl,output:15
        in_port=2,icmp actions=output:16
        in_port=3,icmp actions=dec_ttl,output:13
        in_port=3,ip actions=output:11
        in_port=3,ipv6 actions=output:12
        in_port=11,ip actions=mod_nw_dst:10.7.7.7,dec_ttl,output:3
        in_port=11,ipv6 actions=dec_ttl,output:3
        in_port=12 actions=output:2
        in_port=13,ip actions=dec_ttl,output:2
        in_port=13,ipv6 actions=dec_ttl,output:2
        """;

    /// <summary>What no model here knows, IPv6 and damaged frames: byte for byte what software sends, the source port with its hash among them; or the frame is software's.</summary>
    [Theory]
    [InlineData(BpfAttachPoint.TcxIngress)]
    [InlineData(BpfAttachPoint.Xdp)]
    public void What_leaves_is_what_software_sends_also_of_damaged_frames(BpfAttachPoint form)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
        Random random = new(5);
        RefTunnels model = new(TunnelCases.Tunnels, TunnelCases.Own, TunnelCases.Below);
        using TunnelBed kernel = new(OffloadMode.Kernel, form), none = new(OffloadMode.None);
        kernel.Apply(Flows);
        none.Apply(Flows);
        List<(uint Port, byte[] Frame)> sound = [];
        for (int i = 0; i < 60; i++)
        {
            byte[] inner = Packet(random, i % 2 == 0, ((byte[])[6, 17, 1])[i % 3]);
            sound.Add((2, inner));
            sound.Add((3, inner));
            sound.Add((TunnelCases.Below, Gre(i % 4 < 2 ? 5u : 6, inner)));
            sound.Add((TunnelCases.Below, RefTunnels.Encapsulate(true, TunnelCases.PeerB, TunnelCases.Own, 0, 7, i % 4 == 0 ? 5u : null, false, inner)));
            sound.Add((TunnelCases.Below, RefTunnels.Encapsulate(false, TunnelCases.PeerB, TunnelCases.Own, 0, 77, null, false, inner)));
        }

        for (int round = 0; round < 3; round++) sound.ForEach(Exchange);
        Assert.InRange(kernel.KernelHits, (ulong)sound.Count, (ulong)sound.Count * 3);
        ulong before = kernel.KernelHits;
        const int damaged = 6000;
        for (int i = 0; i < damaged; i++)
        {
            (uint port, byte[] whole) = sound[random.Next(sound.Count)];
            byte[] frame = [.. whole];
            for (int n = random.Next(3); n >= 0; n--) frame[random.Next(12, Math.Min(frame.Length, 110))] = (byte)random.Next(256);
            if (random.Next(3) == 0 && frame[12] == 8) RefTunnels.FinishIp(frame.AsSpan(14));
            if (random.Next(6) == 0) frame = frame[..random.Next(Math.Min(54, frame.Length), frame.Length + 1)];

            // Sums of transports are not looked at: outside none, and what goes into a tunnel with sums has a right one.
            if (port == TunnelCases.Below ? frame[23] == 17 && (frame[40] | frame[41]) != 0 : port == 2) continue;
            Exchange((port, frame));
        }

        output.WriteLine($"{kernel.KernelHits - before} of {damaged} damaged frames by the kernel's program");
        Assert.InRange(kernel.KernelHits - before, damaged / 20ul, (ulong)damaged);

        void Exchange((uint Port, byte[] Frame) sent)
        {
            kernel.Send(sent.Port, sent.Frame, model);
            none.Send(sent.Port, sent.Frame, model);
            Assert.Equal($"{Convert.ToHexString(sent.Frame)}: {Told(none)}", $"{Convert.ToHexString(sent.Frame)}: {Told(kernel)}");
        }

        static string Told(TunnelBed bed) => string.Join(' ', bed.Sent.Select(static s => $"{s.Port} {Convert.ToHexString(s.Frame)}"));
    }

    /// <summary>As <see cref="TunnelCases.PeerB"/> sends it (RFC 2890).</summary>
    private static byte[] Gre(uint key, byte[] inner)
    {
        byte[] frame = [.. Convert.FromHexString("0200000001010200000002020800" + "4500000000004000400000000000000000000000" + "2000655800000000"), .. inner];
        Span<byte> ip = frame.AsSpan(14);
        ip[9] = 47;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], TunnelCases.PeerB);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], TunnelCases.Own);
        RefTunnels.FinishIp(ip);
        BinaryPrimitives.WriteUInt32BigEndian(ip[24..], key);
        return frame;
    }

    private static byte[] Packet(Random random, bool isIpv6, byte protocol)
    {
        byte[] l4 = new byte[20 + random.Next(1, 60)];
        random.NextBytes(l4);
        if (isIpv6 && protocol == 1) protocol = 58;
        if (protocol == 17) BinaryPrimitives.WriteUInt16BigEndian(l4.AsSpan(4), (ushort)l4.Length);
        if (protocol == 6) (l4[12], l4[13]) = (0x50, 0x10);
        if (protocol is 1 or 58) (l4[0], l4[1]) = (protocol == 1 ? (byte)8 : (byte)128, 0);
        byte[] ip = isIpv6 ? Convert.FromHexString("6000000000000040fd000000000000000000000000000001fd000000000000000000000000000002") : Convert.FromHexString("45000000000000004000000000000000".PadRight(40, '0'));
        random.NextBytes(ip.AsSpan(isIpv6 ? 20 : 12, isIpv6 ? 4 : 8));
        BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(isIpv6 ? 4 : 2), (ushort)(l4.Length + (isIpv6 ? 0 : 20)));
        (ip[isIpv6 ? 6 : 9], ip[isIpv6 ? 7 : 8]) = (protocol, 64);
        byte[] frame = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, .. isIpv6 ? (byte[])[0x86, 0xdd] : [8, 0], .. ip, .. l4];
        if (isIpv6) FinishTransport6(frame.AsSpan(14));
        else
        {
            RefTunnels.FinishTransport(frame.AsSpan(14), true);
            RefTunnels.FinishIp(frame.AsSpan(14));
        }

        return frame;
    }

    private static void FinishTransport6(Span<byte> ip)
    {
        Span<byte> l4 = ip[40..];
        int at = ip[6] == 17 ? 6 : ip[6] == 6 ? 16 : 2;
        l4.Slice(at, 2).Clear();
        uint sum = ip[6] + (uint)l4.Length;
        for (int i = 8; i < ip.Length; i += 2) sum += (uint)((ip[i] << 8) | (i + 1 < ip.Length ? ip[i + 1] : 0));
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(l4[at..], sum == 0xffff && ip[6] == 17 ? (ushort)0xffff : (ushort)~sum);
    }
}
