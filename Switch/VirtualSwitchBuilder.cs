using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Runtime;
using Mergeflow.Nic;

namespace Mergeflow.Switch;

/// <summary>Says what a <see cref="VirtualSwitch"/> has; the switch itself comes from <see cref="Build"/>.</summary>
public sealed class VirtualSwitchBuilder
{
    private const uint LastPort = 0xfeff;

    private readonly List<(string Name, uint Number)> _ports = [];
    private OffloadMode _offload;
    private bool _onThread;
    private string? _profile;
    private int _outputs = 65_536;

    /// <summary>Adds a port.</summary>
    /// <param name="name">As flows may name it.</param>
    /// <param name="number">OpenFlow number, 1 to 65279.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException">The name is empty, or there is a port of that name or number.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number is none of a port.</exception>
    public VirtualSwitchBuilder AddPort(string name, uint number)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentOutOfRangeException.ThrowIfZero(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, LastPort);
        if (_ports.Exists(p => p.Name == name)) throw new ArgumentException($"there is a port named {name}", nameof(name));
        if (_ports.Exists(p => p.Number == number)) throw new ArgumentException($"there is a port {number}", nameof(number));
        _ports.Add((name, number));
        return this;
    }

    /// <summary>Merges what recurs into single rules.</summary>
    /// <param name="offload">Where they go.</param>
    /// <param name="onThread">A thread merges and installs; else <see cref="VirtualSwitch.Send"/> does it on the way.</param>
    /// <param name="nicProfile">What the emulated NIC can do: a built-in name (<c>ideal</c>, <c>tiny</c>, ..) or a JSON file; null = <c>ideal</c>.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException">A profile without a NIC, or one that is not there.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No such place.</exception>
    public VirtualSwitchBuilder WithOffload(SwitchOffload offload, bool onThread = true, string? nicProfile = null)
    {
        _offload = offload switch
        {
            SwitchOffload.None => OffloadMode.None,
            SwitchOffload.Software => OffloadMode.Soft,
            SwitchOffload.EmulatedNic => OffloadMode.Nic,
            _ => throw new ArgumentOutOfRangeException(nameof(offload), offload, "no such place for merged rules"),
        };
        if (nicProfile is not null && offload != SwitchOffload.EmulatedNic) throw new ArgumentException("a profile is for the emulated NIC", nameof(nicProfile));
        if (nicProfile is not null && !NicProfile.EmbeddedNames.Contains(nicProfile) && !File.Exists(nicProfile))
            throw new ArgumentException($"'{nicProfile}' is neither a file nor one of {string.Join(", ", NicProfile.EmbeddedNames)}", nameof(nicProfile));
        (_onThread, _profile) = (onThread && _offload != OffloadMode.None, nicProfile);
        return this;
    }

    /// <summary>Says how many frames that left wait to be read; more are lost, the youngest first.</summary>
    /// <param name="frames">1 or more; without this call 65536.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public VirtualSwitchBuilder KeepOutputs(int frames)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        _outputs = frames;
        return this;
    }

    /// <summary>The switch: its tables are empty, so it drops everything.</summary>
    /// <returns>To be disposed of.</returns>
    /// <exception cref="InvalidOperationException">There is no port.</exception>
    /// <exception cref="FormatException">The NIC profile cannot be read.</exception>
    public VirtualSwitch Build()
    {
        if (_ports.Count == 0) throw new InvalidOperationException("a switch needs a port");
        try
        {
            return new VirtualSwitch([.. _ports], new SimulatorOptions { Ports = [.. _ports], Offload = _offload, NicProfile = _profile, OffloadRunsApart = _onThread }, _outputs);
        }
        catch (NicConfigException e)
        {
            throw new FormatException(e.Message, e);
        }
    }
}
