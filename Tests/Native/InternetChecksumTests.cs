using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class InternetChecksumTests
{
    /// <summary>The definition: big-endian words, one at a time, fold at each step.</summary>
    private static ushort Reference(ReadOnlySpan<byte> bytes, uint sum = 0)
    {
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)(bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0u);
            sum = (sum & 0xffff) + (sum >> 16);
        }

        return Be16.FromHost((ushort)~sum).Raw;
    }

    [Fact]
    public void Known_header()
    {
        // The example of RFC 1071 section 3: sum 0xddf2.
        Assert.Equal(Be16.FromHost(0xffff - 0xddf2).Raw, InternetChecksum.Compute([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]));
        byte[] ip = Convert.FromHexString("45000073000040004011b861c0a80001c0a800c7");
        Assert.Equal(0, InternetChecksum.Compute(ip));
        ip[10] = ip[11] = 0;
        Assert.Equal(Be16.FromHost(0xb861).Raw, InternetChecksum.Compute(ip));
    }

    [Fact]
    public void Kernels_agree_with_the_definition_at_every_length_against_both_guards()
    {
        var random = new Random(1);
        using var block = new GuardedBlock(2048);
        for (int length = 0; length <= 600; length++)
        {
            Span<byte> rear = block.AtEnd(length);
            random.NextBytes(rear);
            if (length % 5 == 0) rear.Fill(0xff);
            if (length % 7 == 0) rear.Clear();
            ushort expected = Reference(rear);
            uint scalar = InternetChecksum.SumScalar(rear, 0);
            Assert.Equal(expected, InternetChecksum.Fold(scalar));
            Assert.Equal(expected, InternetChecksum.Fold(InternetChecksum.SumVector256(rear, 0)));
            Assert.Equal(expected, InternetChecksum.Compute(rear));
            Assert.Equal(scalar == 0, InternetChecksum.SumVector256(rear, 0) == 0);

            Span<byte> front = block.AtStart(length);
            rear.CopyTo(front);
            Assert.Equal(expected, InternetChecksum.Fold(InternetChecksum.SumVector256(front, 0)));
        }
    }

    [Fact]
    public void Sum_continues_from_any_seed()
    {
        byte[] bytes = new byte[200];
        new Random(2).NextBytes(bytes);
        for (int cut = 0; cut <= 200; cut += 2)
        {
            uint partial = InternetChecksum.Sum(bytes.AsSpan(cut), InternetChecksum.Sum(bytes.AsSpan(0, cut)));
            Assert.Equal(InternetChecksum.Compute(bytes), InternetChecksum.Fold(partial));
        }

        Assert.Equal(InternetChecksum.Fold(0x1_0000), InternetChecksum.Fold(InternetChecksum.SumVector256(new byte[64], 0x1_0000)));
        byte[] ones = Enumerable.Repeat((byte)0xff, 65535).ToArray();
        Assert.Equal(InternetChecksum.Fold(InternetChecksum.SumScalar(ones, uint.MaxValue)), InternetChecksum.Fold(InternetChecksum.SumVector256(ones, uint.MaxValue)));
    }

    [Fact]
    public void Zero_comes_out_as_Open_vSwitch_does()
    {
        Assert.Equal(0xffff, InternetChecksum.Fold(0));
        Assert.Equal(0, InternetChecksum.Fold(0xffff));
        Assert.Equal(0, InternetChecksum.Fold(0xffff_ffff));
        Assert.Equal(0xffff, InternetChecksum.Recalc16(0xffff, 0xffff, 0));
        Assert.Equal(0, InternetChecksum.Recalc16(0xffff, 0, 0));
        Assert.Equal(0, InternetChecksum.Recalc16(0, 0, 0));
        Assert.Equal(0xffff, InternetChecksum.Recalc32(0xffff, uint.MaxValue, 0));
        Assert.Equal(0, InternetChecksum.Recalc32(0xffff, 0xffff_0000, 0));
        Assert.Equal(0xffff, InternetChecksum.UdpOnWire(0));
        Assert.Equal(1, InternetChecksum.UdpOnWire(1));
    }

    /// <summary>OVS recalculates 16 bits at a time, folding and complementing each time: the wide updates must give those very values.</summary>
    [Fact]
    public void Wide_updates_equal_a_chain_of_16_bit_updates()
    {
        var random = new Random(3);
        byte[] before = new byte[16], after = new byte[16];
        for (int round = 0; round < 20_000; round++)
        {
            ushort checksum = Edge(random);
            for (int i = 0; i < 16; i += 2)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(before.AsSpan(i), Edge(random));
                BinaryPrimitives.WriteUInt16LittleEndian(after.AsSpan(i), Edge(random));
            }

            Assert.Equal(Chain(checksum, before, after, 4), InternetChecksum.Recalc32(checksum, MemoryMarshal.Read<uint>(before), MemoryMarshal.Read<uint>(after)));
            Assert.Equal(Chain(checksum, before, after, 6), InternetChecksum.Recalc48(checksum, before.AsSpan(0, 6), after.AsSpan(0, 6)));
            Assert.Equal(Chain(checksum, before, after, 16), InternetChecksum.Recalc128(checksum, before, after));
        }
    }

    [Fact]
    public void Update_keeps_a_valid_checksum_valid()
    {
        var random = new Random(4);
        byte[] bytes = new byte[60];
        for (int round = 0; round < 2000; round++)
        {
            random.NextBytes(bytes);
            bytes[0] = bytes[1] = 0;
            ushort checksum = InternetChecksum.Compute(bytes);
            int at = 2 * random.Next(1, 28);
            uint old = MemoryMarshal.Read<uint>(bytes.AsSpan(at));
            uint changed = (uint)random.NextInt64(1L << 32);
            MemoryMarshal.Write(bytes.AsSpan(at), in changed);
            Assert.Equal(InternetChecksum.Compute(bytes), InternetChecksum.Recalc32(checksum, old, changed));
        }
    }

    [Fact]
    public void Pseudo_headers()
    {
        // 192.0.2.1 -> 192.0.2.2, UDP, 4 bytes behind the header.
        byte[] ip = Convert.FromHexString("450000200000000040110000c0000201c0000202");
        byte[] pseudo = Convert.FromHexString("c0000201c00002020011000c");
        Assert.Equal(Reference(pseudo), InternetChecksum.Fold(InternetChecksum.PseudoHeaderV4(ip)));
        ip[0] = 0x47; // eight bytes of options: the transport part is shorter
        pseudo[11] = 4;
        Assert.Equal(Reference(pseudo), InternetChecksum.Fold(InternetChecksum.PseudoHeaderV4(ip)));

        byte[] ip6 = new byte[40];
        new Random(5).NextBytes(ip6);
        byte[] l4 = [1, 2, 3, 4, 5, 6, 0, 0, 9];
        ip6[4] = 0;
        ip6[5] = (byte)l4.Length;
        ip6[6] = 17;
        byte[] pseudo6 = [.. ip6[8..40], 0, 0, 0, 9, 0, 0, 0, 17];
        Assert.Equal(Reference(pseudo6), InternetChecksum.Fold(InternetChecksum.PseudoHeaderV6(ip6)));
        Assert.Equal(Reference([.. pseudo6, .. l4]), InternetChecksum.UpperLayer6(ip6, l4, 17));
    }

    private static ushort Chain(ushort checksum, byte[] before, byte[] after, int lengthBytes)
    {
        for (int i = 0; i < lengthBytes; i += 2)
        {
            checksum = InternetChecksum.Recalc16(checksum, MemoryMarshal.Read<ushort>(before.AsSpan(i)), MemoryMarshal.Read<ushort>(after.AsSpan(i)));
        }

        return checksum;
    }

    private static ushort Edge(Random random) => random.Next(4) switch
    {
        0 => 0,
        1 => 0xffff,
        2 => (ushort)random.Next(3),
        _ => (ushort)random.Next(65536),
    };
}
