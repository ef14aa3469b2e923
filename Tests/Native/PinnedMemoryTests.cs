using System.Globalization;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class PinnedMemoryTests
{
    [Theory]
    [InlineData(1u, 1u)]
    [InlineData(100u, 64u)]
    [InlineData(4097u, 4096u)]
    [InlineData(70_000u, 1u << 16)]
    [InlineData(3u << 20, 1u << 21)]
    public void Block_is_aligned_zeroed_and_writable_to_the_last_byte(uint sizeBytes, uint alignBytes)
    {
        using PinnedBlock block = PinnedMemory.Allocate(sizeBytes, alignBytes);
        Assert.Equal(0u, block.Address % alignBytes);
        Assert.Equal((nuint)sizeBytes, block.SizeBytes);
        Assert.Equal((int)sizeBytes, block.Span.Length);
        Assert.Equal(-1, block.Span.IndexOfAnyExcept((byte)0));
        block.Span.Fill(0xa5);
        Assert.Equal(0xa5, block.Span[^1]);
    }

    [Fact]
    public void Huge_page_block_says_what_backs_it_and_is_aligned_to_huge_pages()
    {
        using PinnedBlock block = PinnedMemory.Allocate(5 << 20, 64, wantHugePages: true);
        Assert.True(Enum.IsDefined(block.HugePages));
        Assert.Equal(0u, block.Address % PinnedMemory.HugePageSizeBytes);
        block.Span.Fill(1);
        Assert.Equal(1, block.Span[^1]);
    }

    [Fact]
    public void Small_block_takes_no_huge_page()
    {
        using PinnedBlock block = PinnedMemory.Allocate(4096, 64, wantHugePages: true);
        Assert.Equal(HugePageKind.None, block.HugePages);
    }

    [Theory]
    [InlineData(0u, 64u)]
    [InlineData(64u, 0u)]
    [InlineData(64u, 48u)]
    public void Bad_sizes_are_refused(uint sizeBytes, uint alignBytes)
        => Assert.Throws<ArgumentOutOfRangeException>(() => PinnedMemory.Allocate(sizeBytes, alignBytes));

    [Fact]
    public void More_than_there_is_says_so()
        => Assert.Throws<OutOfMemoryException>(() => PinnedMemory.Allocate(nuint.MaxValue / 8));

    [Fact]
    public void Disposed_block_hands_out_no_span()
    {
        PinnedBlock block = PinnedMemory.Allocate(10);
        block.Dispose();
        block.Dispose();
        Assert.Equal(0u, block.Address);
        Assert.Throws<ObjectDisposedException>(() => block.Span.Length);
    }

    [Fact]
    public void Guarded_block_has_untouchable_pages_on_both_sides()
    {
        using var block = new GuardedBlock(5000);
        Assert.True(block.CapacityBytes >= 5000);
        Assert.Equal("---p", ProtectionAt(block.StartAddress - 1));
        Assert.Equal("rw-p", ProtectionAt(block.StartAddress));
        Assert.Equal("rw-p", ProtectionAt(block.EndAddress - 1));
        Assert.Equal("---p", ProtectionAt(block.EndAddress));
    }

    [Fact]
    public void Guarded_spans_touch_the_guards()
    {
        using var block = new GuardedBlock(100);
        block.AtStart(3).Fill(1);
        block.AtEnd(3).Fill(2);
        Span<byte> all = block.AtStart(block.CapacityBytes);
        Assert.Equal([1, 1, 1, 0], all[..4].ToArray());
        Assert.Equal([0, 2, 2, 2], all[^4..].ToArray());
        Assert.Equal([7, 8], block.PlaceAtEnd([7, 8]).ToArray());
        Assert.Equal(8, all[^1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => block.AtEnd(block.CapacityBytes + 1).Length);
    }

    private static string ProtectionAt(nuint address)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] words = line.Split(' ');
            string[] range = words[0].Split('-');
            nuint from = nuint.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            nuint to = nuint.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (address >= from && address < to) return words[1];
        }

        return "unmapped";
    }
}
