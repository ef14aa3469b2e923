using System.Buffers.Binary;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Whatever comes: it is read, or refused with an error that OpenFlow has. <c>MERGEFLOW_MUTATIONS=N</c> makes N messages instead of some thousands.
/// </summary>
public sealed class MutatedMessageTests
{
    /// <summary>Bytes of memory for a byte of a message; and for any message, which may hold a match.</summary>
    private const int BytesPerByte = 120;
    private const int BytesPerMessage = 24_000;

    [Fact]
    public void A_message_that_was_changed_is_read_or_refused()
    {
        byte[][] messages = [.. RecordedMessages.Names.SelectMany(RecordedMessages.Distinct)];
        int count = int.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_MUTATIONS"), out int wanted) ? wanted : 40_000;
        ulong seed = ProcessSeed.Value;
        var random = new Random((int)seed);
        (int read, int refused) = (0, 0);
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = Mutate(messages[random.Next(messages.Length)], messages[random.Next(messages.Length)], random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            if (Decodes(bytes)) read++;
            else refused++;
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

            // The first refusals load what exceptions need.
            if (i < count / 10) continue;
            Assert.True(allocated <= BytesPerMessage + ((long)bytes.Length * BytesPerByte), $"{allocated} bytes of memory for {bytes.Length}: {Convert.ToHexStringLower(bytes)}");
        }

        Assert.True(read > count / 20 && refused > count / 20, $"{read} read, {refused} refused");
    }

    /// <summary>NXT_SET_ASYNC_CONFIG2 over OpenFlow 1.3 has properties, and is said as pairs.</summary>
    [Fact]
    public void An_async_configuration_of_properties_can_be_said_again()
        => Assert.True(Decodes([4, 4, 0, 24, 0, 0, 0, 1, 0, 0, 0x23, 0x20, 0, 0, 0, 27, 0, 0, 0, 8, 0, 0, 0, 1]));

    private static bool Decodes(byte[] bytes)
    {
        OfMessage message;
        try
        {
            message = OfCodec.Decode(bytes);
        }
        catch (OfRefusal e)
        {
            Assert.True(OfErrors.IsKnown(e.Error), e.Error);
            return false;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new Xunit.Sdk.XunitException($"{Convert.ToHexStringLower(bytes)}: {e}");
        }

        // What was understood can be said, and what was said means the same. Old forms of actions become new ones the first time.
        var version = (OfVersion)Math.Min(bytes[0], (byte)OfVersion.V15);
        OfMessage once = OfCodec.Decode(OfCodec.Encode(message, version));
        OfMessage twice = OfCodec.Decode(OfCodec.Encode(once, version));
        if (!twice.Equals(once)) throw new Xunit.Sdk.XunitException($"not the same:\n{Convert.ToHexStringLower(bytes)}\n{Convert.ToHexStringLower(OfCodec.Encode(once, version))}");
        return true;
    }

    private static byte[] Mutate(byte[] message, byte[] other, Random random)
    {
        var bytes = (byte[])message.Clone();
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2 when at + 2 <= bytes.Length:
                    // Lengths and counts are 16 bits, mostly.
                    BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at & ~1), (ushort)(random.Next(2) == 0 ? random.Next(64) : random.Next(65536)));
                    break;
                case 3:
                    bytes = bytes[..Math.Max(OfCodec.HeaderBytes, at)];
                    break;
                case 4:
                    bytes = [.. bytes, .. other.AsSpan(random.Next(other.Length))];
                    break;
                case 5:
                    int length = random.Next(Math.Min(other.Length, bytes.Length - at) + 1);
                    other.AsSpan(0, length).CopyTo(bytes.AsSpan(at));
                    break;
                default:
                    bytes[0] = (byte)random.Next(8);
                    break;
            }
        }

        if (bytes.Length > ushort.MaxValue) bytes = bytes[..ushort.MaxValue];
        if (random.Next(50) != 0) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
        return bytes;
    }
}
