using Xunit;

namespace Mergeflow.Tests;

public sealed class PacketPoolTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(1536)]
    [InlineData(2048)]
    [InlineData(9018)]
    public void Stride_is_an_odd_number_of_cache_lines(int frameCapacityBytes)
    {
        using var pool = new PacketPool(4, frameCapacityBytes);
        Assert.Equal(64, pool.StrideBytes % 128);
        Assert.True(pool.StrideBytes >= Packet.HeaderSizeBytes + PacketPool.HeadroomSizeBytes + frameCapacityBytes + Packet.ReadableTailroomBytes);
    }

    [Fact]
    public void Slots_run_out_and_come_back()
    {
        using var pool = new PacketPool(2, 128);
        PacketRef a = pool.RentRef([1, 2, 3], 1);
        PacketRef b = pool.RentRef([4], 2);
        Assert.Equal(2, pool.InUse);
        Assert.Throws<InvalidOperationException>(() => pool.RentRef([], 0));
        pool.Return(a);
        Assert.Equal(1, pool.InUse);
        PacketRef again = pool.RentRef([9], 3);
        Assert.Equal(a.Descriptor.Slot, again.Descriptor.Slot);
        Assert.Equal([4], b.Frame.ToArray());
        Assert.Equal([9], again.Frame.ToArray());
    }

    [Fact]
    public void Returning_twice_is_refused()
    {
        using var pool = new PacketPool(1, 128);
        PacketRef a = pool.RentRef([], 0);
        pool.Return(a);
        Assert.Throws<InvalidOperationException>(() => pool.Return(a));
    }

    [Fact]
    public void Frames_that_do_not_fit_are_refused()
    {
        using var pool = new PacketPool(1, 128);
        Assert.Throws<ArgumentException>(() => pool.RentRef(new byte[129], 0));
    }

    [Fact]
    public void Load_forgets_the_previous_packet()
    {
        using var pool = new PacketPool(1, 2048);
        PacketRef a = pool.RentRef(ExtractVectors.All[0].Frame, 5);
        FlowKey key = default;
        key.Bytes.Fill(0xff);
        a.SetKey(ref key);
        a.Flags = PacketFlags.L4CsumBad;
        a.Descriptor.TruncateBytes = 7;
        a.Descriptor.RecircDepth = 3;
        pool.Return(a);
        a = pool.RentRef([], 0x01020304);
        FlowKey loaded = a.WholeKey();
        FlowKey expected = default;
        expected.InPort = Native.Be32.FromHost(0x01020304);
        Assert.True(FlowKey.Same(ref expected, ref loaded));
        Assert.Equal((PacketFlags.None, 0, (byte)0, 0), (a.Flags, a.Descriptor.TruncateBytes, a.Descriptor.RecircDepth, a.Descriptor.LengthBytes));
    }

    [Fact]
    public void Clone_is_independent_and_complete()
    {
        using var pool = new PacketPool(2, 2048);
        PacketRef a = pool.RentRef(ExtractVectors.All[0].Frame, 5);
        a.Extract();
        PacketRef copy = pool.CloneRef(a);
        FlowKey ka = a.WholeKey();
        FlowKey kb = copy.WholeKey();
        Assert.True(FlowKey.Same(ref ka, ref kb));
        Assert.True(a.Frame.SequenceEqual(copy.Frame));
        Assert.Equal(a.Descriptor.L4Offset, copy.Descriptor.L4Offset);
        Assert.NotEqual(a.Descriptor.Slot, copy.Descriptor.Slot);
        copy.Frame[0] ^= 0xff;
        Assert.NotEqual(a.Frame[0], copy.Frame[0]);
        Assert.Equal(2, pool.InUse);
    }
}
