namespace Mergeflow.Native;

public sealed unsafe partial class PcapngReader
{
    private const ushort OptionEnd = 0;
    private const ushort OptionTimeResolution = 9;
    private const ushort OptionTimeOffset = 14;

    private void ReadSection(long position, byte* block, uint totalBytes)
    {
        if (totalBytes < MinSectionHeaderBytes) Throw(position, $"a section header of {totalBytes} bytes (at least {MinSectionHeaderBytes})");
        ushort major = U16(block + 12);
        if (major != 1) Throw(position, $"pcapng version {major}.{U16(block + 14)} is not supported (1.x is)");

        // Interface numbers start again in each section.
        _earlierInterfaceCount += _interfaceCount;
        _interfaceCount = 0;
    }

    private void ReadInterface(long position, byte* block, uint totalBytes)
    {
        if (totalBytes < 20) Throw(position, $"an interface block of {totalBytes} bytes (at least 20)");
        var entry = new PcapngInterface { LinkType = U16(block + 8), SnapBytes = U32(block + 12), Resolution = 6, BlockOffsetBytes = position };
        byte* end = block + totalBytes - 4;
        for (byte* option = block + 16; end - option >= 4;)
        {
            ushort code = U16(option), lengthBytes = U16(option + 2);
            if (code == OptionEnd) break;
            byte* value = option + 4;
            if (end - value < lengthBytes) Throw(position + (option - block), $"option {code} of an interface claims {lengthBytes} bytes, {end - value} are left in its block");
            if (code == OptionTimeResolution && lengthBytes == 1) entry.Resolution = *value;
            if (code == OptionTimeOffset && lengthBytes == 8) entry.OffsetSeconds = (long)U64(value);

            // The padding of the last option may be missing: the loop condition then ends it.
            option = value + ((lengthBytes + 3) & ~3);
        }

        if (_interfaceCount == _interfaces.Length) Array.Resize(ref _interfaces, _interfaceCount * 2);
        _interfaces[_interfaceCount++] = entry;
    }

    private void ReadPacket(long position, byte* block, uint totalBytes, uint interfaceId, out CaptureRecord record)
    {
        if (totalBytes < 32) Throw(position, $"a packet block of {totalBytes} bytes (at least 32)");
        uint captured = U32(block + 20), original = U32(block + 24);
        if (captured > totalBytes - 32) Throw(position, $"a packet of {captured} bytes in a block with room for {totalBytes - 32}");
        ref readonly PcapngInterface from = ref Interface(position, interfaceId);
        _lastTimestampNs = from.ToNs(((ulong)U32(block + 12) << 32) | U32(block + 16));
        record = Record(position, block + 28, captured, original, interfaceId, from.LinkType);
    }

    private void ReadSimplePacket(long position, byte* block, uint totalBytes, out CaptureRecord record)
    {
        if (totalBytes < 16) Throw(position, $"a simple packet block of {totalBytes} bytes (at least 16)");
        ref readonly PcapngInterface from = ref Interface(position, 0);
        uint original = U32(block + 8);
        uint captured = from.SnapBytes == 0 ? original : Math.Min(original, from.SnapBytes);
        if (captured > totalBytes - 16) Throw(position, $"a packet of {captured} bytes in a block with room for {totalBytes - 16}");
        record = Record(position, block + 12, captured, original, 0, from.LinkType);
    }

    private ref readonly PcapngInterface Interface(long position, uint id)
    {
        if (id >= (uint)_interfaceCount) Throw(position, $"a packet of interface {id}, the section has {_interfaceCount}");
        ref readonly PcapngInterface entry = ref _interfaces[id];
        CheckLinkType(entry.BlockOffsetBytes, entry.LinkType);
        return ref entry;
    }

    private CaptureRecord Record(long position, byte* data, uint captured, uint original, uint interfaceId, uint linkType)
    {
        if (captured > CaptureFile.MaxFrameBytes) Throw(position, $"a packet claims {captured} bytes (at most {CaptureFile.MaxFrameBytes} are believed)");
        if (original > int.MaxValue) Throw(position, $"a packet claims a frame of {original} bytes");
        return new CaptureRecord
        {
            Data = data,
            CapturedBytes = (int)captured,
            OriginalBytes = (int)Math.Max(original, captured),
            TimestampNs = _lastTimestampNs,
            InterfaceIndex = _earlierInterfaceCount + (int)interfaceId,
            LinkType = linkType,
            OffsetBytes = position,
        };
    }
}
