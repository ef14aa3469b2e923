namespace Mergeflow.Native;

/// <content>What drivers say of themselves (SIOCETHTOOL). Owns no state.</content>
public static unsafe partial class NetDevice
{
    private const int Ethtool = 0x8946;
    private const uint GetSettings = 1, GetDriverInfo = 3, GetFeatureFlags = 0x25, GetGro = 0x2b, SetFeatureFlags = 0x26;
    private const int DriverInfoBytes = 196, SettingsBytes = 44, TextBytes = 32;

    /// <summary>Name, version and firmware of a device's driver; null = it does not say.</summary>
    public static (string Name, string Version, string Firmware)? DriverOf(string name)
    {
        byte* info = stackalloc byte[DriverInfoBytes];
        if (!TryEthtool(name, info, DriverInfoBytes, GetDriverInfo)) return null;
        return (TextAt(info + 4), TextAt(info + 4 + TextBytes), TextAt(info + 4 + (2 * TextBytes)));
    }

    /// <summary>Speed of a link in bits per second (0 = unknown), and whether both ends may send at once; null = the driver does not say.</summary>
    public static (long BitsPerSecond, bool IsFullDuplex)? LinkModeOf(string name)
    {
        byte* settings = stackalloc byte[SettingsBytes];
        if (!TryEthtool(name, settings, SettingsBytes, GetSettings)) return null;
        uint megabits = *(ushort*)(settings + 12) | ((uint)*(ushort*)(settings + 28) << 16);
        return (megabits is 0xffff or uint.MaxValue ? 0 : megabits * 1_000_000L, settings[14] == 1);
    }

    /// <summary>What a link is, could be, says it can, and hears of the other end; null = the driver does not say.</summary>
    public static LinkSettings? LinkSettingsOf(string name)
    {
        byte* settings = stackalloc byte[SettingsBytes];
        if (!TryEthtool(name, settings, SettingsBytes, GetSettings)) return null;
        uint megabits = *(ushort*)(settings + 12) | ((uint)*(ushort*)(settings + 28) << 16);
        return new LinkSettings(
            *(uint*)(settings + 4), *(uint*)(settings + 8), *(uint*)(settings + 32), megabits is 0xffff or uint.MaxValue ? 0 : megabits, settings[14] == 1, settings[15], settings[18] != 0);
    }

    /// <summary>The kernel puts frames together that a device has received (<c>ethtool -K DEVICE gro on</c>); null = the driver does not say.</summary>
    public static bool? PutsTogether(string name)
    {
        uint* value = stackalloc uint[2];
        return TryEthtool(name, (byte*)value, 2 * sizeof(uint), GetGro) ? value[1] != 0 : null;
    }

    /// <summary>Features that can be switched (<c>ETH_FLAG_*</c>); null = the driver does not say.</summary>
    internal static uint? FlagsOf(string name)
    {
        uint* value = stackalloc uint[2];
        return TryEthtool(name, (byte*)value, 2 * sizeof(uint), GetFeatureFlags) ? value[1] : null;
    }

    /// <summary>Switches features; false = refused.</summary>
    internal static bool TrySetFlags(string name, uint flags)
    {
        uint* value = stackalloc uint[2];
        value[1] = flags;
        return TryEthtoolAsIs(name, (byte*)value, SetFeatureFlags);
    }

    private static bool TryEthtool(string name, byte* data, int bytes, uint command)
    {
        new Span<byte>(data, bytes).Clear();
        return TryEthtoolAsIs(name, data, command);
    }

    private static bool TryEthtoolAsIs(string name, byte* data, uint command)
    {
        *(uint*)data = command;
        Request r = default;
        if (!TryName(name, ref r)) return false;
        r.Data = data;
        return TryControl(Ethtool, ref r);
    }

    private static string TextAt(byte* text)
    {
        ReadOnlySpan<byte> bytes = new(text, TextBytes);
        int end = bytes.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
